"""What LiveKit signed is taken; what another key made, or anything changed, is not.

Only here is the verdict on generated headers and claims compared with PyJWT's in both directions.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.api import TokenVerifier, WebhookReceiver

from adapters.livekit.tokens import TokenFactory
from adapters.livekit.webhook_verifier import LiveKitWebhookVerifier
from domain.inbox.webhook_verifier import WebhookBody, WebhookEvent
from domain.shared.errors import DomainError, InvalidWebhook, WebhookForged
from tests.examples import examples
from tests.livekit_server import API_KEY, API_SECRET

VERIFIER = LiveKitWebhookVerifier(TokenFactory(API_KEY, API_SECRET))
BODY = json.dumps(
    {"event": "room_started", "id": "EV_1", "room": {"name": "room-1", "sid": "RM_1"}}
).encode()


def verify(body: bytes, authorization: str | None, received: bytes | None = None) -> WebhookEvent:
    """Take the two steps of the verifier, one after the other."""
    expected = VERIFIER.body_digest(authorization)
    return VERIFIER.event(WebhookBody(received or body, body), expected)


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def signed(
    body: bytes = BODY, secret: str = API_SECRET, algorithm: str = "HS256", **claims: Any
) -> str:
    now = int(time.time())
    given = {"iss": API_KEY, "nbf": now, "exp": now + 300, "sha256": digest(body)} | claims
    present = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(present, secret if algorithm != "none" else "", algorithm)


@pytest.mark.parametrize(
    "prefix", ["", " ", "Bearer ", "bearer ", "BEARER  ", " bEARer\t "], ids=repr
)
def test_what_livekit_signed_is_an_event(prefix: str) -> None:
    event = verify(BODY, prefix + signed())

    assert (event.id, event.kind, event.room_name) == ("EV_1", "room_started", "room-1")
    assert event.body == BODY


def test_a_kind_and_fields_that_this_version_does_not_know_are_taken() -> None:
    body = b'{"event": "call_answered", "id": "EV_2", "call": {"new": [1]}}'

    event = verify(body, signed(body))

    assert (event.id, event.kind, event.room_name) == ("EV_2", "call_answered", "")


def test_an_event_without_an_id_is_known_by_its_body() -> None:
    body, other = b'{"event": "room_started"}', b'{"event": "room_started" }'

    first, again = verify(body, signed(body)), verify(body, signed(body))

    assert first.id == again.id == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert verify(other, signed(other)).id != first.id


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
    "with half a hash": lambda: signed(sha256=base64.b64encode(b"x" * 16).decode()),
    "with a key id that is null": lambda: by_hand({"alg": "HS256", "kid": None}, claims()),
    "with an extension that must be understood": lambda: by_hand(
        {"alg": "HS256", "crit": ["b64"], "b64": False}, claims()
    ),
    "with an algorithm in lower case": lambda: by_hand({"alg": "hs256"}, claims()),
    "with an algorithm that is a list": lambda: by_hand({"alg": ["HS256"]}, claims()),
    "with an expiry that is no number": lambda: by_hand({"alg": "HS256"}, claims(exp=[])),
    "with an expiry of NaN": lambda: by_hand({"alg": "HS256"}, claims(exp=float("nan"))),
    "with a header that is a list": lambda: by_hand([], claims()),
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_webhook_is_refused(forgery: str) -> None:
    with pytest.raises(WebhookForged) as caught:
        verify(BODY, FORGERIES[forgery]())

    with pytest.raises(Exception):  # noqa: B017, PT011 - livekit-api's receiver refuses it too
        WebhookReceiver(TokenVerifier(API_KEY, API_SECRET)).receive(
            BODY.decode(), (FORGERIES[forgery]() or "").removeprefix("Bearer ")
        )
    assert API_SECRET not in str(caught.value)
    assert "eyJ" not in str(caught.value)


def test_an_altered_body_is_refused() -> None:
    with pytest.raises(WebhookForged):
        verify(BODY.replace(b"room-1", b"room-2"), signed())


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
        verify(body, signed(body))


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("id", 128),
        ("event", 128),
        ("room.name", 512),
        ("room.sid", 128),
        ("participant.sid", 128),
        ("participant.identity", 512),
    ],
)
def test_given_an_identifier_that_no_index_holds_then_the_event_is_refused_by_the_fields_name(
    field: str, limit: int
) -> None:
    def body(length: int) -> bytes:
        event: dict[str, Any] = {"event": "e", "id": "EV_1", "room": {}, "participant": {}}
        *parent, name = field.split(".")
        (event[parent[0]] if parent else event)[name] = "x" * length
        return json.dumps(event).encode()

    verify(body(limit), signed(body(limit)))
    with pytest.raises(InvalidWebhook, match=f"{field} has {limit + 1} characters"):
        verify(body(limit + 1), signed(body(limit + 1)))


def test_only_one_of_the_received_and_the_plain_bytes_must_be_signed() -> None:
    compressed = gzip.compress(BODY)

    for token in (signed(BODY), signed(compressed)):
        event = verify(BODY, token, compressed)
        assert (event.id, event.body) == ("EV_1", BODY)
    with pytest.raises(WebhookForged):
        verify(BODY, signed(b"another"), compressed)


def test_a_secret_as_short_as_that_of_livekits_dev_mode_verifies_without_a_warning() -> None:
    short = LiveKitWebhookVerifier(TokenFactory("devkey", "secret"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.warnings.InsecureKeyLengthWarning)
        token = signed(secret="secret", iss="devkey")

    assert short.body_digest(token) == hashlib.sha256(BODY).digest()


@pytest.mark.parametrize(
    ("body", "event_id", "room"),
    [
        (b'{"event": "e", "id": "EV_\\ud83d", "room": {"name": "r"}}', "EV_?", "r"),
        (b'{"event": "e", "id": "EV_1", "room": {"name": "r"}, "x": 1e400}', "EV_1", "r"),
        (b'\xef\xbb\xbf{"event": "e", "id": "EV_1", "room": {"name": "r"}}', "EV_1", "r"),
        (b'{"event": "e", "id": 7, "room": {"name": 8}}', "7", "8"),
        (b'{"event": "e", "id": "EV_1", "room": {"name": 1e400}}', "EV_1", "inf"),
        (b'{"event": "e", "id": "EV_1", "room": {"name": null}}', "EV_1", ""),
        (b'{"event": "e", "id": "EV_1", "room": null}', "EV_1", ""),
        (b'{"event": "e", "id": "EV_1", "room": {"name": ["x"]}}', "EV_1", ""),
    ],
)
def test_a_signed_event_in_an_odd_form_is_not_lost(body: bytes, event_id: str, room: str) -> None:
    event = verify(body, signed(body))

    assert (event.kind, event.id, event.room_name, event.body) == ("e", event_id, room, body)


@examples(200)
@given(body=st.binary(max_size=200), header=st.text(max_size=80))
def test_nothing_that_anybody_makes_up_is_taken(body: bytes, header: str) -> None:
    with pytest.raises(DomainError):
        verify(body, header)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": API_KEY, "nbf": now, "exp": now + 300, "sha256": digest(BODY)} | changed


def by_hand(header: object, claims: object, secret: str = API_SECRET) -> str:
    """A token whose parts PyJWT might refuse to sign."""
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([])
)
# Not within seconds of the 60 that clocks may be apart: each verifier reads the clock itself.
APART: st.SearchStrategy[int] = st.integers(-400, 400).filter(
    lambda apart: abs(abs(apart) - 60) > 10
)
TIMES: st.SearchStrategy[Any] = APART.map(lambda apart: int(time.time()) + apart) | ODD
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
@examples(500)
@given(
    header=HEADERS,
    claims=CLAIMS,
    secret=st.just(API_SECRET) | st.just(API_SECRET + "x"),
    cut=st.just("") | st.sampled_from([".", "=", "A", ".A"]),
)
def test_a_token_is_taken_exactly_if_pyjwt_takes_it(
    header: dict[str, object], claims: dict[str, object], secret: str, cut: str
) -> None:
    token = by_hand(header, claims, secret) + cut
    try:
        verify(BODY, token)
    except WebhookForged:
        taken = False
    else:
        taken = True
    try:
        found = jwt.decode(
            token, API_SECRET, ["HS256"], issuer=API_KEY, leeway=60, options={"require": ["exp"]}
        )
    except jwt.PyJWTError:
        found = {}
    assert taken == (found.get("sha256") == digest(BODY))


@pytest.mark.parametrize("off", [-3600, 3600], ids=["an hour behind", "an hour ahead"])
@pytest.mark.parametrize(
    ("moved", "taken"),
    [
        ({"exp": 300}, True),
        ({"exp": -59}, True),
        ({"exp": -61}, False),
        ({"exp": 300, "nbf": 58}, True),
        ({"exp": 300, "nbf": 61}, False),
        ({"exp": 300, "iat": 58}, True),
        ({"exp": 300, "iat": 61}, False),
    ],
    ids=str,
)
def test_given_a_machine_whose_clock_is_wrong_then_the_ledgers_time_decides(
    off: int, moved: dict[str, int], *, taken: bool
) -> None:
    now = int(time.time()) + off
    verifier = LiveKitWebhookVerifier(TokenFactory(API_KEY, API_SECRET, lambda: float(now)))
    times = {name: now + seconds for name, seconds in moved.items()}
    token = by_hand({"alg": "HS256"}, {"iss": API_KEY, "sha256": digest(BODY)} | times)

    if taken:
        assert verifier.body_digest(token) == hashlib.sha256(BODY).digest()
        return
    with pytest.raises(WebhookForged, match="expired" if moved["exp"] < 0 else "not valid yet"):
        verifier.body_digest(token)


@given(
    apart=st.integers(-50, 300),
    early=st.integers(0, 59),
    header=st.sampled_from([{"alg": "HS256"}, {"typ": "JWT", "alg": "HS256", "kid": "k"}]),
    grants=st.just({}) | st.just({"video": {"roomJoin": True}, "sub": "x", "name": "y"}),
)
def test_what_livekit_may_send_is_taken(
    apart: int, early: int, header: dict[str, object], grants: dict[str, object]
) -> None:
    now = int(time.time())
    claims = {"iss": API_KEY, "exp": now + apart, "nbf": now + early, "sha256": digest(BODY)}

    assert verify(BODY, by_hand(header, claims | grants, API_SECRET)).id == "EV_1"
