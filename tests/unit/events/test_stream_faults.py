"""What the stream does under load, with gaps, and with a ledger that changes below it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from functools import partial

import attrs
import pytest
from structlog.testing import capture_logs

from application.streaming import frame_ring, listeners
from application.streaming.event_stream import KEPT_FOR, RESET
from application.streaming.frame_ring import FrameRing
from application.streaming.listener import Closing
from application.streaming.listeners import HEARTBEAT
from domain.events.domain_event import StoredEvent
from domain.shared.errors import StorageUnavailable, Unauthenticated
from domain.shared.event_errors import TooManyStreams
from entrypoints.http.events.response import in_turn
from tests.unit.events.test_event_stream import ALL, Heard, in_virtual_time, soon, texts, world


async def fails(*_: object) -> list[StoredEvent]:
    raise StorageUnavailable("down")


async def numbered(number: int) -> list[StoredEvent]:
    """Events at the positions from 1."""
    async with world(runs=False) as here:
        await here.append()
        one = here.ledger.outbox.stored[0]
    return [attrs.evolve(one, position=position) for position in range(1, number + 1)]


async def test_given_a_page_larger_than_a_piece_then_all_of_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_ring, "CHUNK_BYTES", 100)
    async with world(runs=False) as here:
        ids = [await here.append() for _ in range(20)]

        listener = await here.stream.listen(ALL, None, key="", client="", follows=False)
        pieces = [text async for text in texts(here.stream, listener)]

        assert b"".join(pieces).decode().split() == ids
        assert len(pieces) == 10


async def test_given_many_who_come_back_at_other_places_then_few_pieces_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_ring, "MOST_CHUNK_BYTES", 1000)
    ring = FrameRing(lambda _: b"12345678")
    ring.add(await numbered(50))

    for after in range(50):
        text, reached = ring.chunk(ALL, after)
        assert (len(text), reached) == (8 * (50 - after), 50)

    assert ring.chunk_bytes <= 1000
    assert ring.chunk(ALL, 49)[0] is ring.chunk(ALL, 49)[0]


@in_virtual_time
async def test_one_who_does_not_follow_counts_as_a_stream_and_is_dropped_if_it_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listeners, "MOST_OF_ONE", 1)
    async with world() as here:
        await here.append()
        listener = await here.stream.listen(ALL, None, key="k", client="c", follows=False)
        with pytest.raises(TooManyStreams):
            await here.stream.listen(ALL, None, key="k", client="c", follows=False)

        heard = Heard(here.stream, listener)
        heard.blocked.clear()
        await asyncio.sleep(40)

        assert listener.closing is Closing.SLOW


async def test_given_no_ledger_then_one_who_does_not_follow_gets_an_error_before_the_answer() -> (
    None
):
    async with world(runs=False) as here:
        listener = await here.stream.listen(ALL, None, key="", client="", follows=False)
        here.ledger.outbox.after = fails  # type: ignore[method-assign, assignment]

        with pytest.raises(StorageUnavailable):
            await in_turn(partial(here.stream.next, listener), nullcontext)


@in_virtual_time
async def test_given_a_gap_that_is_not_safe_yet_then_one_who_is_behind_misses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_ring, "MOST_FRAMES", 3)
    async with world() as here:
        slow = await here.join()
        await soon()
        slow.blocked.clear()
        ids = []
        for _ in range(12):
            ids.append(await here.append())
            await soon()
        after, is_safe = here.ledger.outbox.after, False

        async def safe(position: int, limit: int) -> list[StoredEvent]:
            found = await after(position, limit)
            return [each for each in found if is_safe or not position < 5 <= each.position]

        here.ledger.outbox.after = safe  # type: ignore[method-assign]
        slow.blocked.set()
        await soon()
        is_safe = True
        ids.append(await here.append())
        await soon()

        assert slow.ids == ids


@in_virtual_time
async def test_given_a_defect_in_a_check_then_heartbeats_and_checks_go_on() -> None:
    async with world() as here:
        heard = await here.join()
        here.keys.access = RuntimeError("a defect")
        with capture_logs():
            await asyncio.sleep(40)
        assert heard.texts.count(HEARTBEAT) >= 2
        here.keys.access = Unauthenticated("revoked")
        await asyncio.sleep(10)

        assert heard.listener.closing is Closing.KEY


@in_virtual_time
async def test_given_the_newest_event_was_erased_then_listeners_miss_nothing() -> None:
    async with world() as here:
        heard = await here.join()
        await soon()
        kept, erased = await here.append(), await here.append()
        await soon()
        here.ledger.outbox.erase([here.ledger.outbox.stored[-1].position])
        await asyncio.sleep(10)
        later = await here.append()
        await soon()

        assert RESET not in heard.texts
        assert heard.ids == [kept, erased, later]


@in_virtual_time
async def test_an_event_that_was_erased_is_not_sent_again_for_long() -> None:
    async with world() as here:
        heard = await here.join()
        await soon()
        kept, _ = await here.append(), await here.append()
        await soon()
        here.ledger.outbox.erase([here.ledger.outbox.stored[-1].position])
        await asyncio.sleep(KEPT_FOR.total_seconds() + 10)

        back = await here.join(last=kept)
        later = await here.append()
        await soon()

        assert back.ids == [later]
        assert heard.ids[-1] == later


@in_virtual_time
async def test_given_a_defect_in_the_reader_then_all_listeners_hear_what_follows() -> None:
    async with world() as here:
        heard = [await here.join() for _ in range(40)]
        await soon()
        after = here.ledger.outbox.after

        async def fails(*_: object) -> list[StoredEvent]:
            raise RuntimeError("a defect")

        here.ledger.outbox.after = fails  # type: ignore[method-assign, assignment]
        with capture_logs() as logs:
            await asyncio.sleep(3)
        here.ledger.outbox.after = after  # type: ignore[method-assign]
        event = await here.append()
        await asyncio.sleep(3)

        assert {log["event"] for log in logs} == {"events are not read"}
        assert [each.ids for each in heard] == [[event]] * len(heard)


async def test_a_listener_that_was_closed_meanwhile_does_not_wait() -> None:
    async with world(runs=False) as here:
        listener = await here.stream.listen(ALL, None, key="", client="")
        listener.close(Closing.STOPPING)

        assert await listener.wait() == b""
        assert await here.stream.next(listener) == b""


@in_virtual_time
async def test_events_that_come_while_the_ledger_is_checked_are_no_sign_of_a_restored_one() -> None:
    async with world() as here:
        heard = await here.join()
        await soon()
        highest, appended = here.ledger.outbox.highest_position, list[str]()

        async def slow() -> int:
            found = await highest()
            appended.append(await here.append())
            await soon()
            return found

        here.ledger.outbox.highest_position = slow  # type: ignore[method-assign]
        await asyncio.sleep(10)

        assert RESET not in heard.texts
        assert heard.ids == appended
