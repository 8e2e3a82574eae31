"""While webhooks pour in, processing keeps its share: counted in virtual time, not measured."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

import attrs
import pytest

from adapters.memory.inbox import MemoryInbox
from application.workers.inbox_signal import InboxSignal
from application.workers.inbox_worker import InboxWorker
from domain.inbox.entry import InboxEntry
from domain.inbox.process_entry import ProcessInboxEntry
from domain.inbox.webhook_verifier import WebhookEvent
from tests import virtual_time
from tests.unit.worlds.fakes import SequentialIds
from tests.virtual_time import VirtualClock

pytestmark = pytest.mark.slow

LIVEKIT_TAKES = 0.05


@attrs.define
class Downpour:
    """Events that arrive, each of which LiveKit takes a while to serve."""

    per_second: int
    storing_takes: float
    inbox: MemoryInbox = attrs.field(factory=MemoryInbox)
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    inbox_signal: InboxSignal = attrs.field(factory=InboxSignal)
    waits: list[float] = attrs.field(factory=list)
    arrived: int = 0
    at_once: int = 0
    most_at_once: int = 0

    async def handle(self, entry: InboxEntry, holder: str) -> InboxEntry:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(LIVEKIT_TAKES)
        self.at_once -= 1
        after = entry.handled(self.clock.now())
        await self.inbox.settle(after, holder)
        self.waits.append((self.clock.now() - entry.received_at).total_seconds())
        return after

    async def arrive(self, number: int) -> None:
        with self.inbox_signal.arrival():
            await asyncio.sleep(self.storing_takes)
            now = self.clock.now()
            event = WebhookEvent(f"EV_{number}", "participant_joined", f"room-{number}", "RM", b"")
            await self.inbox.add(InboxEntry(event=event, received_at=now, due_at=now))
        self.inbox_signal.ring()

    async def lasts(self, seconds: int, **options: Any) -> None:
        worker = InboxWorker(
            inbox=self.inbox,
            process_entry=cast("ProcessInboxEntry", self.handle),
            clock=self.clock,
            ids=SequentialIds(),
            inbox_signal=self.inbox_signal,
            **options,
        )
        working = asyncio.create_task(worker.run())
        arriving = []
        for number in range(seconds * self.per_second):
            arriving.append(asyncio.create_task(self.arrive(number)))
            await asyncio.sleep(1 / self.per_second)
        self.arrived = len(arriving)
        working.cancel()
        await asyncio.gather(working, *arriving, return_exceptions=True)


@pytest.mark.parametrize("storing_takes", [0.001, 0.04, 0.2])
def test_while_events_pour_in_the_backlog_does_not_grow(storing_takes: float) -> None:
    downpour = Downpour(per_second=200, storing_takes=storing_takes)

    virtual_time.run(downpour.lasts(timedelta(minutes=1) // timedelta(seconds=1)))

    under_way = downpour.per_second * (storing_takes + LIVEKIT_TAKES)
    assert downpour.arrived - len(downpour.waits) <= under_way + 16
    assert max(downpour.waits) < 0.5


def test_while_events_pour_in_storing_keeps_half_of_the_places_free() -> None:
    downpour = Downpour(per_second=1000, storing_takes=0.04)

    virtual_time.run(downpour.lasts(5, parallel=32))

    assert downpour.most_at_once == 16
