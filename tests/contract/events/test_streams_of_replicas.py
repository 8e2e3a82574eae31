"""Streams of several processes on one database: what one appends, listeners of the other hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import attrs

from adapters.sqlalchemy.storage import SqlStorage
from application.streaming.event_stream import RESET, EventStream
from application.workers.event_signal import EventSignal
from domain.access.access import SYSTEM
from domain.events.event_filter import EventFilter
from tests.contract.storage.ledgers import new_announcer, new_session, opened
from tests.unit.events.test_event_stream import Heard, Keys, Quiet

LIMIT_SECONDS = 60


@attrs.frozen
class Replica:
    """A process: its ledger, which rings its own signal only, and its stream."""

    ledger: SqlStorage
    stream: EventStream

    async def session(self) -> None:
        async with self.ledger.unit_of_work() as work:
            await work.sessions.add(new_session())
            await work.commit()

    async def hear(self, number: int, last: str | None = None) -> list[str]:
        """Return the ids of the next so many events; the listener leaves then."""
        listener = await self.stream.listen(EventFilter(access=SYSTEM), last, key="k", client="c")
        heard = Heard(self.stream, listener)
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                while len(heard.ids) < number:  # noqa: ASYNC110 - it signals nothing
                    await asyncio.sleep(0.01)
        finally:
            heard.task.cancel()
            self.stream.leave(listener)
        assert RESET not in heard.texts
        return heard.ids


@asynccontextmanager
async def replica(url: str) -> AsyncIterator[Replica]:
    signal = EventSignal()
    announcer = new_announcer(appended=lambda _kinds: signal.ring())
    async with opened(url, announcer=announcer) as ledger:
        assert isinstance(ledger, SqlStorage)
        stream = EventStream(
            outbox=ledger.outbox,
            signal=signal,
            authenticate=Keys(),
            encode=lambda event: event.id.value.encode() + b" ",
            telemetry=Quiet(),  # type: ignore[arg-type]
            clock=announcer.clock,
        )
        running = asyncio.create_task(stream.run())
        try:
            yield Replica(ledger, stream)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def stored(here: Replica) -> list[str]:
    return [event.id.value for event in await here.ledger.outbox.after(0, 500)]


async def test_what_one_process_appends_is_heard_at_the_other(sql_url: str) -> None:
    async with replica(sql_url) as one, replica(sql_url) as other:
        hearing = asyncio.create_task(other.hear(3))
        await asyncio.sleep(0.3)  # it listens by then; what comes before is not for it
        for _ in range(3):
            await one.session()

        assert await hearing == await stored(one)


async def test_a_listener_that_moves_between_processes_misses_nothing_and_hears_nothing_twice(
    sql_url: str,
) -> None:
    """While both append at once, so that positions are committed out of their order."""
    async with replica(sql_url) as one, replica(sql_url) as other:
        await one.session()
        [first] = await stored(one)

        async def append(here: Replica) -> None:
            for _ in range(20):
                await here.session()
                await asyncio.sleep(0.005)

        appending = asyncio.gather(append(one), append(other), append(one))
        heard = [first]
        while len(heard) < 61:
            here = [one, other][len(heard) % 2]
            heard += await here.hear(1, heard[-1])
        await appending

        assert heard == await stored(other)
