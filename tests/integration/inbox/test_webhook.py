"""POST /telephony/livekit-webhook: what LiveKit signed is stored first and then acknowledged."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from tests.databases import running_postgres, sqlite_in
from tests.integration.http.webhooks import (
    MEDIA_TYPE,
    PATH,
    Caller,
    Stored,
    event,
    eventually,
    inbox,
    send,
    token,
)
from tests.livekit_server import API_KEY, API_SECRET
from tests.service import running
from tests.simulator import SimulatorProcess

LIMIT = 1024 * 1024
OK = (200, {"ok": True})


@attrs.frozen
class Receiver:
    """A service that takes webhooks, and the SQLite file that it stores them in."""

    client: httpx.Client
    database: Path

    def inbox(self) -> dict[str, Stored]:
        """Every event that is stored, by its id."""
        return inbox(self.database)


@pytest.fixture(scope="module")
def receiver(
    simulator_process: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Receiver]:
    folder = tmp_path_factory.mktemp("receiver")
    environ = {
        **simulator_process.environ,
        "TELEPHONY_ENABLED": "true",
        "DATABASE_URL": sqlite_in(folder),
        "RECONCILE_INTERVAL_SECONDS": "86400",
    }
    with running(environ, folder) as service, httpx.Client(base_url=service.url) as client:
        yield Receiver(client, folder / "ledger.db")


def verdict(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of an error, which has the form of every error."""
    error = answer.json()
    assert error["error"].endswith(".")
    assert error["requestId"] == answer.headers["x-request-id"]
    return answer.status_code, error["code"]


def result(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def test_a_signed_event_is_stored_byte_by_byte_and_acknowledged(receiver: Receiver) -> None:
    body = b'{ "event":"room_started",\t"id":"EV_bytes", "room": {"name": "\xc3\xbc\\u00fc"} }\n'

    answer = send(receiver.client, body)

    assert result(answer) == OK
    assert receiver.inbox()["EV_bytes"].body == body


def test_a_repeated_event_is_acknowledged_and_changes_nothing(receiver: Receiver) -> None:
    body = event("room_finished", "EV_twice", room={"name": "r", "sid": "RM_twice"})
    other = event("room_started", "EV_twice", room={"name": "other"})
    send(receiver.client, body)
    eventually(lambda: receiver.inbox()["EV_twice"].status, lambda status: status == "handled")
    before = receiver.inbox()

    answers = [send(receiver.client, body), send(receiver.client, body)]
    answers.append(send(receiver.client, other))  # the id is what makes it the same event

    assert [result(answer) for answer in answers] == [OK] * 3
    assert receiver.inbox() == before


def test_events_without_an_id_are_told_apart_by_their_bytes(receiver: Receiver) -> None:
    before = receiver.inbox()
    first, second = event("room_started", "", room={"name": "a"}), event("room_started", "")

    answers = [send(receiver.client, body) for body in (first, first, second)]

    assert [result(answer) for answer in answers] == [OK] * 3
    added = {key: row.body for key, row in receiver.inbox().items() if key not in before}
    assert added == {f"sha256:{hashlib.sha256(body).hexdigest()}": body for body in (first, second)}


@pytest.mark.parametrize("kind", ["call_answered", "egress_ended", "Ünknown \U0001f4de"])
def test_an_event_of_an_unknown_kind_is_stored_as_handled(receiver: Receiver, kind: str) -> None:
    body = event(kind, f"EV_{kind}", room={"name": "r", "sid": "RM_1"}, unheardOf=[1])

    answer = send(receiver.client, body)

    assert result(answer) == OK
    assert receiver.inbox()[f"EV_{kind}"] == Stored(kind, body, "handled")


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer ", "BEARER  "])
def test_the_signature_may_come_with_bearer_or_without(receiver: Receiver, prefix: str) -> None:
    body = event("room_started", f"EV_with_{prefix}")

    answer = send(receiver.client, body, prefix + token(body))

    assert result(answer) == OK
    assert f"EV_with_{prefix}" in receiver.inbox()


BODY = event("room_started", "EV_forged", room={"name": "room-1", "sid": "RM_1"})

FORGERIES: dict[str, Callable[[], str]] = {
    "that is empty": lambda: "",
    "that is no JWT": lambda: "Bearer secret",
    "that is three dots": lambda: "...",
    "by another secret": lambda: token(BODY, secret="x" * 40),
    "by another key": lambda: token(BODY, key="otherkey"),
    "by nobody": lambda: token(BODY, iss=None),
    "without an algorithm": lambda: token(BODY, algorithm="none"),
    "by another algorithm": lambda: token(BODY, algorithm="HS512"),
    "that has expired": lambda: token(BODY, exp=int(time.time()) - 120),
    "that never expires": lambda: token(BODY, exp=None),
    "that is not valid yet": lambda: token(BODY, nbf=int(time.time()) + 600),
    "for another audience": lambda: token(BODY, aud="somebody-else"),
    "of another body": lambda: token(BODY.replace(b"room-1", b"room-2")),
    "of no body, as a user's token is": lambda: token(
        BODY, sha256=None, sub="ann", video={"roomJoin": True, "room": "room-1"}
    ),
    "whose hash is no hash": lambda: token(BODY, sha256="*"),
    "whose hash is a number": lambda: token(BODY, sha256=7),
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_signature_is_refused_and_nothing_stored(receiver: Receiver, forgery: str) -> None:
    before = receiver.inbox()
    headers = {"Content-Type": MEDIA_TYPE, "Authorization": FORGERIES[forgery]()}

    answer = receiver.client.post(PATH, content=BODY, headers=headers)

    assert verdict(answer) == (401, "invalid_signature")
    assert API_SECRET not in answer.text
    assert "eyJ" not in answer.text
    assert receiver.inbox() == before


def test_a_missing_signature_is_refused_and_nothing_stored(receiver: Receiver) -> None:
    before = receiver.inbox()

    answer = receiver.client.post(PATH, content=BODY, headers={"Content-Type": MEDIA_TYPE})

    assert verdict(answer) == (401, "invalid_signature")
    assert receiver.inbox() == before


@pytest.mark.parametrize(
    "altered",
    [BODY.replace(b"room-1", b"room-2"), BODY + b" ", BODY[:-1], b""],
    ids=["another room", "a space more", "a byte less", "nothing left"],
)
def test_an_altered_body_is_refused_and_nothing_stored(receiver: Receiver, altered: bytes) -> None:
    before = receiver.inbox()

    answer = send(receiver.client, altered, token(BODY))

    assert verdict(answer) == (401, "invalid_signature")
    assert receiver.inbox() == before


def test_the_token_that_a_user_gets_signs_no_webhook(receiver: Receiver, room: str) -> None:
    before = receiver.inbox()
    started = receiver.client.post("/session", json={"userIdentity": "ann", "roomName": room})

    answer = send(receiver.client, BODY, started.json()["userToken"])

    assert verdict(answer) == (401, "invalid_signature")
    assert receiver.inbox() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"hello",
        b"\xff\xfe",
        b'{"event": ""}',
        b'{"event": 7}',
        b'{"event": "room_started"',
        b'{"event": "room_started", "room": 7}',
        b'{"event":' + b"[" * 100_000,
        json.dumps({"event": "room_started", "room": {"name": "r" * 513}}).encode(),
        json.dumps({"event": "room_started", "room": {"sid": "R" * 10_000}}).encode(),
        json.dumps({"event": "room_started", "id": "E" * 10_000}).encode(),
    ],
    ids=lambda body: ascii(body[:40]),
)
def test_signed_nonsense_is_400_and_not_stored(receiver: Receiver, body: bytes) -> None:
    before = receiver.inbox()

    answer = send(receiver.client, body)

    assert verdict(answer) == (400, "invalid_webhook")
    assert receiver.inbox() == before


def padded(size: int) -> bytes:
    body = event("room_started", f"EV_{size}", room={"name": "r"})
    return body + b" " * (size - len(body))


def test_an_event_of_1_mib_is_taken(receiver: Receiver) -> None:
    body = padded(LIMIT)

    answer = send(receiver.client, body)

    assert result(answer) == OK
    assert receiver.inbox()[f"EV_{LIMIT}"].body == body


def in_chunks(body: bytes) -> Iterator[bytes]:
    """Without a Content-Length."""
    yield from (body[start : start + 50_000] for start in range(0, len(body), 50_000))


@pytest.mark.parametrize("size", [LIMIT + 1, 4 * LIMIT + 1])
@pytest.mark.parametrize("sent", [bytes, in_chunks], ids=["whole", "in chunks"])
def test_a_larger_one_is_413_and_tells_the_limit(
    receiver: Receiver, size: int, sent: Callable[[bytes], bytes | Iterator[bytes]]
) -> None:
    before = receiver.inbox()
    body = padded(size)
    headers = {"Content-Type": MEDIA_TYPE, "Authorization": token(body)}

    answer = receiver.client.post(PATH, content=sent(body), headers=headers)

    assert verdict(answer) == (413, "body_too_large")
    assert answer.json()["limitBytes"] == LIMIT
    assert receiver.inbox() == before


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "webhook+json", "application/x+json", None],
)
def test_another_content_type_is_415(receiver: Receiver, content_type: str | None) -> None:
    before = receiver.inbox()
    headers = {"Authorization": token(BODY)} | (
        {"Content-Type": content_type} if content_type else {}
    )

    answer = receiver.client.post(PATH, content=BODY, headers=headers)

    assert verdict(answer) == (415, "unsupported_media_type")
    assert answer.json()["example"] == MEDIA_TYPE
    assert (content_type or "without") in answer.json()["error"]
    assert receiver.inbox() == before


@pytest.mark.parametrize(
    "content_type",
    [
        f"{MEDIA_TYPE}; charset=utf-8",
        MEDIA_TYPE.upper(),
        "application/json",
        "application/json; charset=utf-8",
    ],
)
def test_the_content_type_may_be_spelled_otherwise(receiver: Receiver, content_type: str) -> None:
    body = event("room_started", f"EV_{content_type}")
    headers = {"Content-Type": content_type, "Authorization": token(body)}

    answer = receiver.client.post(PATH, content=body, headers=headers)

    assert result(answer) == OK


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_405(receiver: Receiver, method: str) -> None:
    answer = receiver.client.request(method, PATH)

    assert verdict(answer) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"].split(", ")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "identity, gzip"])
@pytest.mark.parametrize("signed", ["plain", "received"])
def test_a_gzip_body_is_stored_as_what_is_in_it(
    receiver: Receiver, coding: str, signed: str
) -> None:
    body = event("room_started", f"EV_{signed}_{coding}", room={"name": "r"})
    received = gzip.compress(body[:20]) + gzip.compress(body[20:])

    answer = compressed(receiver, received, body if signed == "plain" else received, coding)

    assert result(answer) == OK
    assert receiver.inbox()[f"EV_{signed}_{coding}"].body == body


def test_a_gzip_body_that_becomes_too_large_is_413(receiver: Receiver) -> None:
    before = receiver.inbox()
    body = padded(LIMIT + 1)

    answer = compressed(receiver, gzip.compress(body), body)

    assert verdict(answer) == (413, "body_too_large")
    assert answer.json()["limitBytes"] == LIMIT
    assert receiver.inbox() == before


@pytest.mark.parametrize(
    "received",
    [b"", BODY, gzip.compress(BODY)[:-9], gzip.compress(BODY) + b"x"],
    ids=["empty", "plain", "cut", "continued"],
)
def test_what_is_no_gzip_and_is_declared_so_is_400(receiver: Receiver, received: bytes) -> None:
    answer = compressed(receiver, received, BODY)

    assert verdict(answer) == (400, "corrupt_body")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "compress"])
def test_another_content_coding_is_415_and_names_those_that_are_taken(
    receiver: Receiver, coding: str
) -> None:
    answer = compressed(receiver, BODY, BODY, coding)

    assert verdict(answer) == (415, "unsupported_content_encoding")
    assert answer.headers["accept-encoding"] == "gzip"
    assert coding in answer.json()["error"]


def compressed(
    receiver: Receiver, received: bytes, signed: bytes, coding: str = "gzip"
) -> httpx.Response:
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Encoding": coding,
        "Authorization": token(signed),
    }
    return receiver.client.post(PATH, content=received, headers=headers)


UNFINISHED: dict[str, tuple[str, int]] = {
    "a forged token": ("Authorization: Bearer " + token(BODY, secret="x" * 40), 401),
    "no token": ("X-Nothing: 1", 401),
    "an expired token": ("Authorization: " + token(BODY, exp=int(time.time()) - 120), 401),
    "another content type": ("Content-Type: text/plain", 415),
}


@pytest.mark.parametrize("sender", UNFINISHED)
@pytest.mark.parametrize(
    "length", ["Content-Length: 900000", "Content-Length: 9000000000", "Transfer-Encoding: chunked"]
)
def test_given_an_unverified_sender_then_the_answer_comes_before_the_body(
    receiver: Receiver, sender: str, length: str
) -> None:
    header, status = UNFINISHED[sender]
    types = [] if header.startswith("Content-Type") else [f"Content-Type: {MEDIA_TYPE}"]
    head = [f"POST {PATH} HTTP/1.1", "Host: x", *types, header, length, "", ""]
    address = (receiver.client.base_url.host, receiver.client.base_url.port or 80)

    # The body is begun and never finished, and the service waits 20 seconds for a body.
    with socket.create_connection(address, timeout=15) as connection:
        connection.sendall("\r\n".join(head).encode() + b"5\r\nhello\r\n")
        answer = connection.recv(65536).decode()

    assert answer.startswith(f"HTTP/1.1 {status} ")


def test_given_telephony_is_off_then_webhooks_are_taken_all_the_same(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    environ = {
        **simulator.environ,
        "TELEPHONY_ENABLED": "false",
        "DATABASE_URL": sqlite_in(tmp_path),
    }
    body = event("room_finished", "EV_off", room={"name": "r", "sid": "RM_off"})
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        assert result(send(client, body)) == OK
        eventually(
            lambda: inbox(tmp_path / "ledger.db")["EV_off"].status,
            lambda status: status == "handled",
        )


def test_given_a_webhook_key_then_only_what_it_signed_is_taken(
    simulator: SimulatorProcess, tmp_path: Path
) -> None:
    key, secret = "webhook-key", "another-secret-that-only-tests-know-01234"
    environ = {
        **simulator.environ,
        "TELEPHONY_ENABLED": "true",
        "DATABASE_URL": "memory://",
        "LIVEKIT_WEBHOOK_API_KEY": key,
        "LIVEKIT_WEBHOOK_API_SECRET": secret,
    }
    with running(environ, tmp_path) as service, httpx.Client(base_url=service.url) as client:
        taken = send(client, BODY, token(BODY, key, secret))
        refused = send(client, BODY, token(BODY, API_KEY, API_SECRET))
        mixed = send(client, BODY, token(BODY, API_KEY, secret))
        started = client.post("/session", json={"userIdentity": "ann"})

    assert result(taken) == OK
    assert verdict(refused) == verdict(mixed) == (401, "invalid_signature")
    assert started.status_code == 200  # signed with the other key, which LiveKit's API knows


@pytest.mark.slow
def test_given_the_database_is_gone_then_503_until_livekit_sends_the_event_again(
    simulator: SimulatorProcess, room: str, tmp_path: Path
) -> None:
    body = Caller(room=room, room_sid="RM_gone").joined()
    with running_postgres() as server:
        environ = {
            **simulator.environ,
            "TELEPHONY_ENABLED": "true",
            "DATABASE_URL": server.new_database(),
        }
        with (
            running(environ, tmp_path) as service,
            httpx.Client(base_url=service.url, timeout=30) as client,
        ):
            server.stop()
            refused = send(client, body)
            forged = send(client, body, token(BODY))
            server.start()
            again = send(client, body)
            call = eventually(
                lambda: client.get(f"/telephony/calls/by-room/{room}"),
                lambda answer: answer.status_code == 200,
            )

    assert verdict(refused) == (503, "storage_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert verdict(forged) == (401, "invalid_signature")
    assert result(again) == OK
    assert call.json()["roomSid"] == "RM_gone"
