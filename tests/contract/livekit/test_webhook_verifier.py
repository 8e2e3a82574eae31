"""What LiveKit signed is taken; what anybody else made, or changed, is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.api import TokenVerifier, WebhookReceiver

from adapters.livekit.tokens import TokenFactory
from adapters.livekit.webhook_verifier import LiveKitWebhookVerifier
from domain.errors import DomainError, InvalidWebhook, WebhookForged
from tests.livekit_server import API_KEY, API_SECRET

VERIFIER = LiveKitWebhookVerifier(TokenFactory(API_KEY, API_SECRET))
BODY = json.dumps(
    {"event": "room_started", "id": "EV_1", "room": {"name": "room-1", "sid": "RM_1"}}
).encode()


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def signed(
    body: bytes = BODY, secret: str = API_SECRET, algorithm: str = "HS256", **claims: Any
) -> str:
    now = int(time.time())
    given = {"iss": API_KEY, "nbf": now, "exp": now + 300, "sha256": digest(body)} | claims
    present = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(present, secret if algorithm != "none" else None, algorithm)


@pytest.mark.parametrize("prefix", ["", "Bearer "])
def test_what_livekit_signed_is_an_event(prefix: str) -> None:
    event = VERIFIER.verify(BODY, prefix + signed())

    assert (event.id, event.kind, event.room_name) == ("EV_1", "room_started", "room-1")
    assert event.body == BODY


def test_a_kind_and_fields_that_this_version_does_not_know_are_taken() -> None:
    body = b'{"event": "call_answered", "id": "EV_2", "call": {"new": [1]}}'

    event = VERIFIER.verify(body, signed(body))

    assert (event.id, event.kind, event.room_name) == ("EV_2", "call_answered", "")


def test_an_event_without_an_id_is_known_by_its_body() -> None:
    body, other = b'{"event": "room_started"}', b'{"event": "room_started" }'

    first, again = VERIFIER.verify(body, signed(body)), VERIFIER.verify(body, signed(body))

    assert first.id == again.id == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert VERIFIER.verify(other, signed(other)).id != first.id


FORGERIES: dict[str, Callable[[], str | None]] = {
    "without a header": lambda: None,
    "with an empty one": lambda: "",
    "with one that is no JWT": lambda: "Bearer secret",
    "signed with another secret": lambda: signed(secret="x" * 40),
    "signed by another key": lambda: signed(iss="otherkey"),
    "signed by nobody in particular": lambda: signed(iss=None),
    "signed with no algorithm": lambda: signed(algorithm="none"),
    "signed with another algorithm": lambda: signed(algorithm="HS512"),
    "expired": lambda: signed(exp=int(time.time()) - 120),
    "without an expiry": lambda: signed(exp=None),
    "not valid yet": lambda: signed(nbf=int(time.time()) + 600),
    "for another audience": lambda: signed(aud="somebody-else"),
    "for another body": lambda: signed(b"{}"),
    "for no body, as a user's token is": lambda: signed(sha256=None),
    "with a hash that is none": lambda: signed(sha256="*"),
    "with a hash of another type": lambda: signed(sha256=7),
    "with grants that are none": lambda: signed(b"{}", video=7),
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_webhook_is_refused(forgery: str) -> None:
    with pytest.raises(WebhookForged) as caught:
        VERIFIER.verify(BODY, FORGERIES[forgery]())

    with pytest.raises(Exception):  # noqa: B017, PT011 - livekit-api's receiver refuses it too
        WebhookReceiver(TokenVerifier(API_KEY, API_SECRET)).receive(
            BODY.decode(), (FORGERIES[forgery]() or "").removeprefix("Bearer ")
        )
    assert API_SECRET not in str(caught.value)
    assert "eyJ" not in str(caught.value)


def test_an_altered_body_is_refused() -> None:
    with pytest.raises(WebhookForged):
        VERIFIER.verify(BODY.replace(b"room-1", b"room-2"), signed())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"not json",
        b'{"event": 7}',
        b'{"event": ""}',
        b'{"event": "room_started", "room": 7}',
        b"\xff\xfe",
        b'{"event":' + b"[" * 100_000,
    ],
    ids=lambda body: ascii(body[:40]),
)
def test_what_is_signed_and_no_event_is_told_apart_from_a_forgery(body: bytes) -> None:
    with pytest.raises(InvalidWebhook):
        VERIFIER.verify(body, signed(body))


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200), header=st.text(max_size=80))
def test_nothing_that_anybody_makes_up_is_taken(body: bytes, header: str) -> None:
    with pytest.raises(DomainError):
        VERIFIER.verify(body, header)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: object, claims: object, secret: str) -> str:
    """A token whose parts PyJWT might refuse to sign."""
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([])
)
TIMES: st.SearchStrategy[Any] = (
    st.integers(-400, 400).map(lambda apart: int(time.time()) + apart) | ODD
)
HEADERS: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"alg": st.just("HS256") | st.sampled_from(["none", "HS512", "RS256", "hs256"]) | ODD},
    optional={"typ": st.just("JWT") | ODD, "crit": st.just(["exp"]) | ODD, "b64": ODD, "kid": ODD},
)
CLAIMS: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"iss": st.just(API_KEY) | ODD, "exp": TIMES, "sha256": st.just(digest(BODY)) | ODD},
    optional={
        "nbf": TIMES, "iat": TIMES, "aud": st.just("other") | ODD, "sub": ODD, "jti": ODD,
        "video": st.just({}) | ODD,
    },
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@settings(max_examples=500, deadline=None)
@given(
    header=HEADERS,
    claims=CLAIMS,
    secret=st.just(API_SECRET) | st.just(API_SECRET + "x"),
    cut=st.just("") | st.sampled_from([".", "=", "A", ".A"]),
)
def test_what_is_taken_livekits_own_verifier_takes_too(
    header: dict[str, object], claims: dict[str, object], secret: str, cut: str
) -> None:
    token = by_hand(header, claims, secret) + cut
    try:
        VERIFIER.verify(BODY, token)
    except WebhookForged:
        return
    found = jwt.decode(
        token, API_SECRET, ["HS256"], issuer=API_KEY, leeway=60, options={"require": ["exp"]}
    )
    assert found["sha256"] == digest(BODY)


@given(
    apart=st.integers(-59, 300),
    early=st.integers(0, 59),
    header=st.sampled_from([{"alg": "HS256"}, {"typ": "JWT", "alg": "HS256", "kid": "k"}]),
    grants=st.just({}) | st.just({"video": {"roomJoin": True}, "sub": "x", "name": "y"}),
)
def test_what_livekit_may_send_is_taken(
    apart: int, early: int, header: dict[str, object], grants: dict[str, object]
) -> None:
    now = int(time.time())
    claims = {"iss": API_KEY, "exp": now + apart, "nbf": now + early, "sha256": digest(BODY)}

    assert VERIFIER.verify(BODY, by_hand(header, claims | grants, API_SECRET)).id == "EV_1"
