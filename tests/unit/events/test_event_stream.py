"""The stream's listeners, over a ledger in memory and time that a test lets pass."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from application.streaming import frame_ring, listeners, stored_events
from application.streaming.event_stream import RESET, EventStream
from application.streaming.frame_ring import Frame, FrameRing, joined
from application.streaming.listener import Closing, Listener
from application.streaming.listeners import HEARTBEAT
from application.workers.event_signal import EventSignal
from domain.access.access import SYSTEM, WORK, Access
from domain.events.domain_event import EventKind, NewEvent, StoredEvent
from domain.events.event_filter import EventFilter
from domain.shared.errors import InvalidInput, StorageUnavailable, Unauthenticated
from domain.shared.event_errors import NoRoomForStream, TooManyStreams
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import NOON, access_of, new_announcer, new_id
from tests.virtual_time import VirtualClock, run

ALL = EventFilter(access=SYSTEM)
ENDS = EventFilter(access=SYSTEM, kinds=frozenset({EventKind.SESSION_ENDED}))


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run the test on a loop whose time passes only while everyone waits."""

    @functools.wraps(test)
    def in_time(*args: Any, **options: Any) -> None:
        run(test(*args, **options))

    return in_time


class Keys:
    """What authenticates."""

    def __init__(self) -> None:
        self.access: Access | Exception = SYSTEM

    async def __call__(self, _key: str) -> Access:
        if isinstance(self.access, Exception):
            raise self.access
        return self.access


class Quiet:
    """Telemetry that remembers the last number of listeners."""

    listeners = 0

    def stream_listeners(self, number: int) -> None:
        self.listeners = number

    def stream_lag(self, seconds: float) -> None:
        assert seconds >= 0


@attrs.define
class World:
    ledger: MemoryStorage
    stream: EventStream
    keys: Keys
    signal: EventSignal

    async def append(self, *, tenant: str | None = None, kind: EventKind | None = None) -> str:
        """Append an event; its id."""
        async with self.ledger.unit_of_work() as work:
            await work.events.append(
                NewEvent(
                    kind=kind or EventKind.USAGE_READY,
                    occurred_at=NOON,
                    source=Source.WORKER,
                    tenant=tenant,
                    session_id=new_id(),
                    data={},
                )
            )
            await work.commit()
        return self.ledger.outbox.stored[-1].id.value

    async def join(self, wanted: EventFilter = ALL, last: str | None = None) -> Heard:
        listener = await self.stream.listen(wanted, last, key="k", client="c")
        return Heard(self.stream, listener)


async def texts(stream: EventStream, listener: Listener) -> AsyncIterator[bytes]:
    """All that the listener gets."""
    while text := await stream.next(listener):
        yield text


class Heard:
    """What a listener gets, in a task of its own."""

    def __init__(self, stream: EventStream, listener: Listener) -> None:
        self.listener = listener
        self.texts: list[bytes] = []
        self.blocked = asyncio.Event()
        self.blocked.set()
        self._stream = stream
        listener.send = self._send
        self.task = asyncio.create_task(self._hear())
        listener.task = self.task

    async def _hear(self) -> None:
        async for text in texts(self._stream, self.listener):
            await self.listener.take(text)

    async def _send(self, text: bytes) -> None:
        await self.blocked.wait()
        self.texts.append(text)

    @property
    def ids(self) -> list[str]:
        text = b"".join(text for text in self.texts if text not in (HEARTBEAT, RESET))
        return text.decode().split()


@asynccontextmanager
async def world(*, runs: bool = True) -> AsyncIterator[World]:
    signal, keys = EventSignal(), Keys()
    announcer = new_announcer(clock=VirtualClock(), appended=lambda _kinds: signal.ring())
    ledger = MemoryStorage(announcer)
    stream = EventStream(
        outbox=ledger.outbox,
        signal=signal,
        authenticate=keys,
        encode=lambda event: event.id.value.encode() + b" ",
        telemetry=Quiet(),  # type: ignore[arg-type]
        clock=announcer.clock,
    )
    running = asyncio.create_task(stream.run() if runs else asyncio.sleep(0))
    try:
        yield World(ledger, stream, keys, signal)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def soon() -> None:
    await asyncio.sleep(0.5)


@in_virtual_time
async def test_listeners_hear_what_they_want_and_may_see() -> None:
    async with world() as here:
        await here.append()
        everything = await here.join()
        acme = await here.join(EventFilter(access=access_of("acme")))
        ends = await here.join(EventFilter.parse(SYSTEM, ["session.ended, call.ended"]))
        await soon()
        mine = await here.append(tenant="acme")
        other = await here.append(tenant="other")
        ended = await here.append(kind=EventKind.SESSION_ENDED)
        await soon()

        assert everything.ids == [mine, other, ended]
        assert acme.ids == [mine]
        assert ends.ids == [ended]


@in_virtual_time
async def test_a_listener_that_comes_back_goes_on_where_it_was() -> None:
    async with world() as here:
        ids = [await here.append() for _ in range(5)]
        heard = await here.join(last=ids[1])
        unknown = await here.join(last="no-id")
        await soon()
        later = await here.append()
        await soon()

        assert heard.ids == [*ids[2:], later]
        assert RESET in unknown.texts
        assert unknown.ids == [later]


@in_virtual_time
async def test_a_listener_that_fell_behind_the_ring_reads_the_outbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_ring, "MOST_FRAMES", 3)
    monkeypatch.setattr(stored_events, "PAGE", 4)
    async with world() as here:
        slow, quick = await here.join(), await here.join()
        await soon()
        slow.blocked.clear()
        ids = []
        for _ in range(12):
            ids.append(await here.append())
            await soon()
        slow.blocked.set()
        await soon()

        assert slow.ids == quick.ids == ids


@in_virtual_time
async def test_a_client_that_takes_nothing_is_dropped_and_others_get_heartbeats() -> None:
    async with world() as here:
        slow, idle = await here.join(), await here.join()
        await soon()
        slow.blocked.clear()
        await here.append()
        await asyncio.sleep(40)

        assert slow.listener.closing is Closing.SLOW
        assert slow.task.cancelled()
        assert idle.texts.count(HEARTBEAT) >= 2
        assert not idle.task.done()


@in_virtual_time
@pytest.mark.parametrize(
    "after", [Unauthenticated("no"), access_of("acme")], ids=["revoked", "of another tenant"]
)
async def test_a_stream_ends_when_its_key_is_no_longer_what_it_was(after: Any) -> None:
    async with world() as here:
        heard = await here.join()
        here.keys.access = StorageUnavailable("down")
        await asyncio.sleep(10)
        assert not heard.task.done()
        here.keys.access = after
        await asyncio.sleep(10)

        assert heard.task.done()
        assert heard.listener.closing is Closing.KEY


@in_virtual_time
@pytest.mark.parametrize("wanted", [ALL, ENDS], ids=["heard what there was", "passed over it"])
async def test_given_another_ledger_was_restored_then_listeners_begin_anew(
    wanted: EventFilter,
) -> None:
    async with world() as here:
        heard = await here.join(wanted)
        await soon()
        for _ in range(3):
            await here.append()
        await soon()
        here.ledger.outbox._position = 1
        here.ledger.outbox.stored.clear()
        await asyncio.sleep(10)

        assert RESET in heard.texts
        later = await here.append(kind=EventKind.SESSION_ENDED)
        await soon()
        assert heard.ids[-1] == later


def test_given_listeners_that_begin_again_then_they_pass_over_nothing_of_the_other_ledger() -> None:
    those = listeners.Listeners(lambda _number: None)
    listener = Listener(ALL, "k", "c", 0)
    those.add(listener)
    listener.quiet.begin(0)
    listener.quiet.end = 9

    those.begin(1)

    assert (listener.position, listener.must_reset) == (1, True)


@in_virtual_time
async def test_the_reader_outlives_an_outage() -> None:
    async with world() as here:
        heard = await here.join()
        await soon()
        after = here.ledger.outbox.after

        async def fails(*_: object) -> list[StoredEvent]:
            raise StorageUnavailable("down")

        here.ledger.outbox.after = fails  # type: ignore[method-assign, assignment]
        await asyncio.sleep(3)
        here.ledger.outbox.after = after  # type: ignore[method-assign]
        event = await here.append()
        await asyncio.sleep(3)

        assert heard.ids == [event]


@in_virtual_time
async def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "MOST", 3)
    monkeypatch.setattr(listeners, "MOST_OF_ONE", 2)
    async with world(runs=False) as here:
        two = [await here.join() for _ in range(2)]
        with pytest.raises(TooManyStreams):
            await here.join()
        await here.stream.listen(ALL, None, key="", client="another")
        with pytest.raises(NoRoomForStream):
            await here.stream.listen(ALL, None, key="", client="a third")
        here.stream.leave(two[0].listener)
        await here.join()
        here.stream.stop()
        with pytest.raises(NoRoomForStream):
            await here.join()


async def test_what_is_stored_can_be_had_without_following() -> None:
    async with world(runs=False) as here:
        ids = [await here.append(tenant="acme") for _ in range(3)]
        await here.append(tenant="other")
        wanted = EventFilter(access=access_of("acme"))

        async def stored(last: str | None) -> bytes:
            listener = await here.stream.listen(wanted, last, key="", client="", follows=False)
            return b"".join([text async for text in texts(here.stream, listener)])

        assert (await stored(None)).decode().split() == ids
        assert (await stored(ids[1])).decode().split() == ids[2:]
        assert (await stored("no-id")).startswith(RESET)


async def test_no_piece_is_larger_than_it_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(runs=False) as here:
        for _ in range(4):
            await here.append()
        events = here.ledger.outbox.stored
        monkeypatch.setattr(frame_ring, "CHUNK_BYTES", 10)
        ring = FrameRing(lambda _: b"12345678")
        ring.add(events)

        assert ring.chunk(ALL, 0) == (b"12345678", 1)
        assert ring.chunk(ALL, 3) == (b"12345678", 4)
        large = [Frame(events[0], b"x" * 99), Frame(events[1], b"y")]
        assert joined(large, ALL, 2) == (b"x" * 99, 1)

        monkeypatch.setattr(frame_ring, "MOST_BYTES", 20)
        ring.add([attrs.evolve(events[0], position=9)])
        assert ring.floor == 3
        assert ring.chunk(ALL, 3)[1] == 8


def test_a_filter_is_checked() -> None:
    with pytest.raises(InvalidInput):
        EventFilter.parse(SYSTEM, ["session.exploded"])
    with pytest.raises(InvalidInput):
        EventFilter.parse(SYSTEM, session_id="1")
    blank = EventFilter.parse(Access(scopes=WORK), [""], "", "")
    assert (blank.kinds, blank.session_id, blank.call_id) == (None, None, None)
