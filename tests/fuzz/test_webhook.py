"""Whatever is posted as a webhook: no server error, and only what LiveKit's key signed is stored.

``FUZZ_SEED`` chooses another seed.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import itertools
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import jwt
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.service import SEED, fuzzed
from tests.integration.http.webhooks import MEDIA_TYPE, PATH, Caller, event, eventually, token
from tests.livekit_server import API_KEY, API_SECRET

MANY: Final = settings(
    max_examples=1_000,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_IDS: Final = (f"EV_fuzz_{number:08}" for number in itertools.count())


@attrs.frozen
class Receiver:
    """A service that takes webhooks, and the SQLite file that it stores them in."""

    client: httpx.Client
    database: Path

    def stored(self) -> int:
        """How many events are stored."""
        with closing(sqlite3.connect(self.database)) as connection:
            return int(connection.execute("SELECT count(*) FROM inbox").fetchone()[0])

    def bodies(self, event_id: str) -> list[bytes]:
        """What is stored of an event."""
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute("SELECT body FROM inbox WHERE event_id = ?", (event_id,))
            return [row[0] for row in rows]

    def post(self, body: bytes, authorization: str | bytes, **headers: str) -> int:
        """The status of the answer, which has the form of every answer."""
        given = {
            b"content-type": MEDIA_TYPE.encode(),
            b"authorization": (
                authorization.encode("latin-1", "replace")
                if isinstance(authorization, str)
                else authorization
            ),
            **{name.encode(): value.encode() for name, value in headers.items()},
        }
        answer = self.client.post(PATH, content=body, headers=given)
        told = answer.json()
        if answer.status_code == 200:
            assert told == {"ok": True}
        else:
            assert told["error"].endswith(".")
            assert API_SECRET not in answer.text
        return answer.status_code


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    folder = tmp_path_factory.mktemp("receiver")
    database = folder / "ledger.db"
    with (
        fuzzed(folder, DATABASE_URL=f"sqlite+aiosqlite:///{database}") as service,
        httpx.Client(base_url=service.url) as client,
    ):
        yield Receiver(client, database)
        assert "unexpected error" not in service.output()


JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
KINDS: Final = st.sampled_from(
    ["room_started", "room_finished", "participant_joined", "participant_left", "track_published"]
) | st.text(min_size=1, max_size=20)
NAMES: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ROOMS: Final = st.none() | st.fixed_dictionaries(
    {}, optional={"name": st.none() | NAMES, "sid": st.none() | NAMES, "numParticipants": JSON}
)


@st.composite
def events(draw: st.DrawFn) -> tuple[str, bytes]:
    """An event's id, and a body that tells of it."""
    event_id = next(_IDS)
    beside = draw(
        st.dictionaries(
            st.sampled_from(["participant", "track", "createdAt", "new"]), JSON, max_size=3
        )
    )
    told = {"event": draw(KINDS), "id": event_id, "room": draw(ROOMS), **beside}
    text = json.dumps(told, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.just(1)))
    return event_id, text.encode()


@seed(SEED)
@MANY
@given(told=events(), times=st.integers(1, 3), bearer=st.sampled_from(["", "Bearer "]))
def test_what_livekit_signed_is_stored_exactly_once_however_often_it_comes(
    receiver: Receiver, told: tuple[str, bytes], times: int, bearer: str
) -> None:
    event_id, body = told

    statuses = [receiver.post(body, bearer + token(body)) for _ in range(times)]

    assert statuses == [200] * times, body
    assert receiver.bodies(event_id) == [body]


@seed(SEED)
@MANY
@given(
    body=st.binary(max_size=400), header=st.binary(min_size=1, max_size=200).map(base64.b64encode)
)
def test_what_nobody_signed_is_401(receiver: Receiver, body: bytes, header: bytes) -> None:
    before = receiver.stored()

    statuses = {receiver.post(body, b"Bearer " + header), receiver.post(body, header)}

    assert statuses == {401}
    assert receiver.stored() == before


@seed(SEED)
@MANY
@given(told=events(), data=st.data())
def test_a_changed_event_is_401_and_one_signed_anew_is_taken_if_it_still_is_one(
    receiver: Receiver, told: tuple[str, bytes], data: st.DataObject
) -> None:
    _, body = told
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    changed = body[:start] + data.draw(st.binary(max_size=6)) + body[end:]
    before = receiver.stored()

    with_old_signature = receiver.post(changed, token(body))
    unchanged = changed == body
    assert with_old_signature == (200 if unchanged else 401)
    assert receiver.stored() == before + unchanged
    signed_anew = receiver.post(changed, token(changed))

    assert signed_anew in (200, 400)
    assert receiver.stored() <= before + (signed_anew == 200)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def sealed(header: str, claims: str, signature: Callable[[bytes], bytes]) -> str:
    """A token whose parts are what they are."""
    signed = f"{base64url(header.encode())}.{base64url(claims.encode())}"
    return f"{signed}.{base64url(signature(signed.encode()))}"


def hmac_with(secret: bytes, algorithm: str = "sha256") -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, algorithm)


PEM: Final = (
    b"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----\n"
)
OWN_KEY: Final = b"a-key-that-the-forger-brought-along-0123456789"
JWK: Final = {"kty": "oct", "k": base64url(OWN_KEY), "alg": "HS256", "kid": "mine"}
FORGED_SIGNATURES: Final = {
    "none": lambda _signed: b"",
    "of zeros": lambda _signed: bytes(32),
    "with the public key as the secret": hmac_with(PEM),
    "with the embedded key": hmac_with(OWN_KEY),
    "with an empty secret": hmac_with(b""),
    "with the key's name": hmac_with(API_KEY.encode()),
    "in HS384": hmac_with(API_SECRET.encode(), "sha384"),
    "in HS512": hmac_with(API_SECRET.encode(), "sha512"),
    "cut short": lambda signed: hmac_with(API_SECRET.encode())(signed)[:31],
    "with something behind": lambda signed: hmac_with(API_SECRET.encode())(signed) + b"\0",
}
ALGORITHMS: Final = [
    "HS256", "hs256", "none", "None", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "PS256",
    "EdDSA", "dir", None, 256, ["HS256"], {"alg": "HS256"},
]  # fmt: skip
TRICKS: Final = st.fixed_dictionaries(
    {"alg": st.sampled_from(ALGORITHMS)},
    optional={
        "typ": st.sampled_from(["JWT", "JWE", "at+jwt", 7]),
        "kid": st.sampled_from(
            ["../../../../dev/null", "' UNION SELECT 'x", "mine", "|id", API_KEY, "\0", 1, [], {}]
        ),
        "jwk": st.just(JWK),
        "jku": st.just("http://127.0.0.1:9/keys.json"),
        "x5u": st.just("file:///etc/passwd"),
        "x5c": st.just(["MIIB"]),
        "crit": st.sampled_from([["b64"], ["exp"], [], "b64"]),
        "b64": st.booleans(),
        "zip": st.just("DEF"),
        "cty": st.just("JWT"),
    },
)


@seed(SEED)
@MANY
@given(
    told=events(),
    header=TRICKS,
    signature=st.sampled_from(sorted(FORGED_SIGNATURES)),
    bearer=st.sampled_from(["", "Bearer ", "bearer ", "Basic "]),
)
def test_a_signature_that_is_not_the_keys_is_401_whatever_the_token_says_of_itself(
    receiver: Receiver, told: tuple[str, bytes], header: dict[str, Any], signature: str, bearer: str
) -> None:
    event_id, body = told
    now = int(time.time())
    claims = {"iss": API_KEY, "nbf": now, "exp": now + 300, "sha256": digest(body)}
    forged = sealed(json.dumps(header), json.dumps(claims), FORGED_SIGNATURES[signature])

    assert receiver.post(body, bearer + forged) == 401
    assert receiver.bodies(event_id) == []


HUGE: Final = st.sampled_from(
    ["1" + "0" * 400, "-1" + "0" * 400, "1e400", "-1e400", "1e308", "1e-400", "NaN", "Infinity",
     "18446744073709551616", "-9223372036854775809", "[[]]", "{}", "null", "true", '"1"', '""'],
)  # fmt: skip
ODD: Final = HUGE | JSON.map(json.dumps)


def moments(apart: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    return apart.map(lambda seconds: str(int(time.time()) + seconds)) | ODD


# Not within a second of the 60 that clocks may be apart, which would make the outcome chance.
NOT_AT_THE_EDGE: Final = st.integers(-400, 400).filter(lambda apart: abs(abs(apart) - 60) > 5)


@st.composite
def claims_about(draw: st.DrawFn, body: bytes) -> str:
    """Claims as JSON text; some are missing, wrong, huge, or there twice."""
    values = {
        "iss": st.just(json.dumps(API_KEY)) | ODD,
        "exp": moments(NOT_AT_THE_EDGE),
        "sha256": st.just(json.dumps(digest(body))) | st.just(json.dumps(digest(b""))) | ODD,
        "nbf": moments(NOT_AT_THE_EDGE),
        "iat": moments(NOT_AT_THE_EDGE),
        "aud": ODD,
        "sub": ODD,
        "jti": ODD,
        "video": ODD,
    }
    required = ["iss", "exp", "sha256"]
    names = draw(
        st.permutations(required).flatmap(
            lambda some: st.lists(st.sampled_from(sorted(values)), max_size=3).map(
                lambda more: [*some, *more]
            )
        )
    )
    kept = [name for name in names if draw(st.integers(0, 19))]
    return "{" + ",".join(f'"{name}":{draw(values[name])}' for name in kept) + "}"


@seed(SEED)
@MANY
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@given(told=events(), data=st.data())
def test_with_odd_claims_nothing_is_taken_that_another_jwt_library_refuses(
    receiver: Receiver, told: tuple[str, bytes], data: st.DataObject
) -> None:
    event_id, body = told
    claims = data.draw(claims_about(body))
    signed = sealed('{"alg":"HS256"}', claims, hmac_with(API_SECRET.encode()))

    status = receiver.post(body, signed)

    assert status in (200, 401)
    assert receiver.bodies(event_id) == ([body] if status == 200 else [])
    if status == 200:
        found = jwt.decode(signed, API_SECRET, ["HS256"], issuer=API_KEY, leeway=61)
        assert found["sha256"] == digest(body)
        assert "exp" in found


@pytest.mark.parametrize(
    ("written", "statuses"),
    [
        ("[" * 100_000, {400}),
        ("[" * 100_000 + "]" * 100_000, {400}),
        ('{"a":' * 40_000 + "1" + "}" * 40_000, {400}),
        ("1" + "0" * 400, {200}),
        ("1e400", {200, 400}),
        ("-1e-400", {200}),
        ("NaN", {400}),
        ("Infinity", {400}),
        ("1" * 5_000, {200, 400}),
        ('"\\ud800"', {200, 400}),
        ('"\\udc00\\ud800"', {200, 400}),
        ('"\ufeff"', {200}),
    ],
    ids=lambda value: ascii(value)[:30],
)
@pytest.mark.parametrize("field", ["new", "createdAt", "participant", "room"])
def test_a_signed_body_with_extremes_is_stored_once_or_refused_and_the_next_is_handled(
    receiver: Receiver, field: str, written: str, statuses: set[int]
) -> None:
    event_id = next(_IDS)
    text = f'{{"event":"participant_joined","id":"{event_id}","{field}":{written}}}'
    body = text.encode()

    answers = [receiver.post(body, token(body)) for _ in range(2)]

    assert set(answers) <= (statuses if field != "room" else {400})
    assert receiver.bodies(event_id) == ([body] if answers[0] == 200 else [])


@pytest.mark.parametrize(
    "body",
    [
        b'{"event":"track_published","event":"room_started","id":"%s"}',
        b'{"id":"EV_other","event":"room_started","id":"%s"}',
        b'{"event":"room_started","id":"%s","room":{"name":"a","name":"b"},"room":{"name":"c"}}',
    ],
)
def test_where_a_key_is_there_twice_the_last_one_counts_and_the_event_is_stored_once(
    receiver: Receiver, body: bytes
) -> None:
    event_id = next(_IDS)
    told = body % event_id.encode()
    before = receiver.stored()

    answers = [receiver.post(told, token(told)) for _ in range(2)]

    assert answers == [200, 200]
    assert receiver.bodies(event_id) == [told]
    assert receiver.stored() == before + 1


@pytest.mark.parametrize(
    ("coding", "status"), [("gzip", 413), ("identity, gzip", 413), ("deflate", 415), ("br", 415)]
)
def test_a_compressed_body_is_unpacked_up_to_the_limit_so_that_none_can_blow_up(
    receiver: Receiver, coding: str, status: int
) -> None:
    body = event("room_started", next(_IDS), padding="x" * 50_000_000)
    packed = gzip.compress(body)
    before = receiver.stored()

    what_was_packed = receiver.post(packed, token(body), **{"content-encoding": coding})
    what_was_sent = receiver.post(packed, token(packed), **{"content-encoding": coding})

    assert (what_was_packed, what_was_sent) == (status, status)
    assert receiver.stored() == before


def test_after_all_that_a_call_is_handled_as_ever(receiver: Receiver) -> None:
    caller = Caller(room="after-the-fuzz", room_sid="RM_after")
    body = caller.joined()

    assert receiver.post(body, token(body)) == 200

    call = eventually(
        lambda: receiver.client.get("/telephony/calls/by-room/after-the-fuzz"),
        lambda answer: answer.status_code == 200,
    ).json()
    assert (call["from"], call["status"]) == (caller.number, "active")
