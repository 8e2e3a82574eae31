"""What is logged shows no secret and no telephone number."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

import pytest
import structlog
import uuid_utils
from hypothesis import given
from hypothesis import strategies as st
from livekit.api import VideoGrants

from adapters.livekit.tokens import TokenFactory
from adapters.system.keys import RandomKeys
from adapters.system.ticket_signer import HmacTicketSigner
from domain.access.api_key import prefix_of
from domain.shared.identifiers import TicketId
from entrypoints.logging.masking import mask_values, masked, may_need_masking
from entrypoints.logging.setup import configure_logs

AROUND = st.text(alphabet=st.characters(blacklist_categories=["N", "Cs"]), max_size=8)
NUMBERS = st.from_regex(r"\+?[1-9][0-9]{6,14}", fullmatch=True)


@given(NUMBERS, AROUND, AROUND)
def test_of_a_number_only_the_last_two_digits_are_shown(
    number: str, before: str, after: str
) -> None:
    text = f"{before}{number}{after}"

    shown = masked(text)

    assert number[:-2].removeprefix("+") not in shown
    assert number[-2:] in shown
    assert may_need_masking(text.encode())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sip_+15105550100", "sip_+…00"),
        ("call-_+15105550100_Ab3", "call-_+…00_Ab3"),
        ("sip:15105550100@10.0.0.1", "sip:…00@10.0.0.1"),
        ("from +15105550100 to +4930123456.", "from +…00 to +…56."),
        ("postgresql+asyncpg://user:hunter2@host/db", "postgresql+asyncpg://user:…@host/db"),
        ("/by-room/call-%2B15105550100?x=1", "/by-room/call-%2B…00?x=1"),
        ("/by-room/call-%2b491234567890123", "/by-room/call-%2b…23"),
        (r"'\n15105550100\u002b15105550100'", r"'\n…00\u002b…00'"),
        ("tel15105550100 room.15105550100", "tel…00 room.…00"),
        ("+1 (510) 555-0100 rang +49 30 123456", "+…00 rang +…56"),
        ("0011442079460000123", "…23"),
        ("postgresql://user:p@ss/w@rd@host/db", "postgresql://user:…@host/db"),
        ("wss://host/rtc?access_token=opaque&room=a", "wss://host/rtc?access_token=…&room=a"),
        ("https://host/?API_KEY=opaque#top", "https://host/?API_KEY=…#top"),
        ("{'password': 'hunter2', 'a': 1}", "{'password': '…', 'a': 1}"),
        ('{"client_secret":"hunter2"}', '{"client_secret":"…"}'),
        ("X-API-Key: a-fixed-key-of-16", "X-API-Key: …"),
        ("BEARER abc.def\tbearer\tabc", "BEARER …\tbearer\t…"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic …"),
    ],
)
def test_what_is_masked_can_still_be_told_apart(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert may_need_masking(text.encode())


@given(st.binary(min_size=1, max_size=20))
def test_no_token_is_shown(noise: bytes) -> None:
    grants = VideoGrants(room_create=True, room=noise.hex())
    token = TokenFactory("key", noise.hex()).access_token().with_grants(grants).to_jwt()

    assert masked(f"got {token}!") == "got eyJ…!"
    assert may_need_masking(token.encode())


@given(st.uuids(), AROUND)
def test_of_a_ticket_only_its_id_is_shown(number: UUID, before: str) -> None:
    text = HmacTicketSigner("a-secret").text(TicketId(str(number)))

    shown = masked(f"{before}{text}")

    assert text.split("_", 2)[2] not in shown
    assert shown.endswith(f"tk_{number.hex}_…")
    assert may_need_masking(text.encode())


def test_of_an_api_key_only_what_it_is_listed_by_is_shown() -> None:
    key = RandomKeys().api_key()

    assert masked(f"key {key} was used") == f"key {prefix_of(key)}_… was used"
    assert may_need_masking(key.encode())


@given(st.integers(0, 2**128 - 1))
def test_an_id_is_no_number(value: int) -> None:
    known = UUID(int=value)
    hashed = sha256(known.bytes).hexdigest()
    for text in (f"session {known}", f"room-{known} is there", f"event {hashed}, {hashed[:32]}"):
        assert masked(text) == text


@pytest.mark.parametrize(
    "text",
    ["request", "/sessions/{sessionId}", "2026-11-24T00:35:35.123456Z", "127.0.0.1:7880", "RM_x7Kq",
     "0123456789abcdef0123456789abcdef", "1.123456789 s", "error -1234", "+00:00", "1 + 2 + 3",
     "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET.", "http://127.0.0.1:4318/v1/traces"],
)  # fmt: skip
def test_what_is_harmless_is_left_as_it_is(text: str) -> None:
    assert masked(text) == text


@given(st.lists(st.uuids(), min_size=1, max_size=5))
def test_given_a_line_of_ids_then_it_is_not_looked_through(ids: list[UUID]) -> None:
    assert not may_need_masking(
        json.dumps({f"id_{at}": str(one) for at, one in enumerate(ids)}).encode()
    )


PIECES = st.uuids().map(str) | st.from_regex(r"[0-9A-Za-z+. \\n%-]{0,9}", fullmatch=True)


@given(st.text(max_size=60) | st.lists(PIECES, max_size=5).map("".join))
def test_nothing_is_masked_that_would_not_be_looked_through(text: str) -> None:
    if masked(text) != text:
        assert may_need_masking(text.encode(errors="surrogatepass"))


def test_values_are_masked_however_deep() -> None:
    number = "+15105550100"
    event = {"a": {"b": [number, (number,), {number}]}, "c": ValueError(number), "d": 15105550100}

    shown = mask_values({**event, "timestamp": "20261124003535"})

    assert shown["a"] == {"b": ["+…00", ["+…00"], ["+…00"]]}
    assert shown["c"] == "+…00"
    assert shown["timestamp"] == "20261124003535"


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """What is logged from here on, as the service logs it off a terminal."""
    raw = io.BytesIO()
    text = io.TextIOWrapper(raw, write_through=True)  # which closes it when it is let go
    monkeypatch.setattr(sys, "stderr", text)
    before = structlog.get_config()
    handlers = logging.root.handlers[:]
    logging.root.handlers.clear()
    configure_logs()
    yield raw
    structlog.configure(**before)
    logging.root.handlers[:] = handlers


def test_a_line_of_the_log_is_json_and_masked_in_its_text_and_its_traceback(
    stderr: io.BytesIO,
) -> None:
    log = structlog.get_logger()
    try:
        raise ValueError("no agent for +15105550100")
    except ValueError:
        log.exception("failed", room="call-_+15105550100", at=uuid_utils.uuid7())
    log.info("fine", room="room-1")
    log.debug("not told")
    logging.getLogger("library").warning("dialling %s", "+15105550100")

    first, second, third = map(json.loads, stderr.getvalue().decode().splitlines())

    assert first["room"] == "call-_+…00"
    assert "ValueError: no agent for +…00" in first["exception"]
    assert {"event": "fine", "room": "room-1", "level": "info"}.items() <= second.items()
    assert (third["event"], third["logger"]) == ("dialling +…00", "library")


def test_a_library_s_lines_are_like_our_own_and_its_traceback_is_masked_too(
    stderr: io.BytesIO,
) -> None:
    library = logging.getLogger("library")
    try:
        raise ValueError("+15105550100")
    except ValueError:
        library.exception("dialling %s", "+15105550100")
    library.log(35, "between two levels")
    library.warning("%d is no number", "+15105550100")
    library.info("not told")

    failed, between = map(json.loads, stderr.getvalue().decode().splitlines())

    assert failed["event"] == "dialling +…00"
    assert (failed["level"], failed["logger"]) == ("error", "library")
    assert failed["exception"].endswith("ValueError: +…00")
    assert between["level"] == "warning"


def test_a_line_that_holds_what_is_no_unicode_is_written_all_the_same(stderr: io.BytesIO) -> None:
    structlog.get_logger().warning("odd", room="\ud800")

    assert json.loads(stderr.getvalue())["room"]
