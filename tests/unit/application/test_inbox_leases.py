"""Leases that lapse, are renewed late or lost: no process handles an event twice at a time.

Two processes share an inbox, in virtual time, whose answers fail or are late for a while at any
moment; handling takes from a moment to ten leases. Only here do leases run out under a worker that
is still at work.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, cast

import attrs
from hypothesis import example, given
from hypothesis import strategies as some
from structlog.testing import capture_logs

from adapters.memory.inbox import MemoryInbox
from application.workers.inbox_signal import InboxSignal
from application.workers.inbox_worker import InboxWorker
from domain.inbox.entry import InboxEntry
from domain.inbox.process_entry import ProcessInboxEntry
from domain.inbox.repository import Inbox
from domain.inbox.webhook_verifier import WebhookEvent
from domain.shared.errors import StorageUnavailable
from tests import virtual_time
from tests.examples import examples
from tests.unit.worlds.fakes import SequentialIds
from tests.virtual_time import VirtualClock

LEASE: Final = timedelta(seconds=6)
SECOND: Final = timedelta(seconds=1)
LATE: Final = 10.0
HEAD_START: Final = 60.0
LONG_ENOUGH: Final = 600.0


@attrs.frozen
class Fault:
    """What happens to a process's requests for a while.

    They fail, they wait until it is over, or they fail and what they settle is settled later still.
    """

    process: int
    begins: float
    lasts: float
    kind: str

    @property
    def ends(self) -> float:
        return self.begins + self.lasts


@attrs.define
class SessionStore:
    """An inbox that processes share, and which claim of an event's is in force, until when."""

    inbox: MemoryInbox = attrs.field(factory=MemoryInbox)
    claims: Counter[str] = attrs.field(factory=Counter)
    until: dict[str, datetime] = attrs.field(factory=dict)
    broken: list[str] = attrs.field(factory=list)

    @property
    def is_done(self) -> bool:
        return all(entry.handled_at for entry in self.inbox.stored.values())

    def claimed(self, event_id: str, until: datetime, now: datetime) -> int:
        if now < self.until.get(event_id, now):
            self.broken.append(f"{event_id} is taken over before its lease is over")
        self.until[event_id] = until
        self.claims[event_id] += 1
        return self.claims[event_id]

    def settled(self, event_id: str, claim: int) -> None:
        if claim != self.claims[event_id]:
            self.broken.append(f"{event_id} is settled by a holder that has lost it")
        del self.until[event_id]


@attrs.define
class Process:
    """A process that handles events, and its connection to the inbox."""

    ledger: SessionStore
    number: int
    faults: list[Fault]
    takes: dict[str, float]
    ids: SequentialIds
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    in_work: list[InboxEntry] = attrs.field(factory=list)
    claims: dict[str, int] = attrs.field(factory=dict)
    late: list[asyncio.Task[None]] = attrs.field(factory=list)
    is_shared: bool = True

    def worker(self) -> InboxWorker:
        return InboxWorker(
            inbox=cast("Inbox", self),
            process_entry=cast("ProcessInboxEntry", self.handle),
            clock=self.clock,
            ids=self.ids,
            inbox_signal=InboxSignal(),
            lease=LEASE,
        )

    def fault(self) -> Fault | None:
        now = self.clock.monotonic()
        mine = [fault for fault in self.faults if fault.process == self.number]
        return next((fault for fault in mine if fault.begins <= now < fault.ends), None)

    async def reach(self) -> None:
        while fault := self.fault():
            if fault.kind != "late":
                await asyncio.sleep(0.01)
                raise StorageUnavailable("gone")
            await asyncio.sleep(fault.ends - self.clock.monotonic())

    async def claim(
        self, holder: str, _: datetime, until: datetime, limit: int, working: Collection[str] = ()
    ) -> list[InboxEntry]:
        await self.reach()
        now, inbox = self.clock.now(), self.ledger.inbox
        found = await inbox.claim(holder, now, until, limit, working)
        for entry in found:
            event_id = entry.event.id
            self.claims[event_id] = self.ledger.claimed(event_id, until, now)
        return found

    async def renew(self, holder: str, event_ids: Collection[str], until: datetime) -> int:
        await self.reach()
        held = 0
        for event_id in event_ids:
            if await self.ledger.inbox.renew(holder, [event_id], until):
                self.ledger.until[event_id] = until
                held += 1
        return held

    async def settle(self, entry: InboxEntry, holder: str) -> bool:
        claim, fault = self.claims[entry.event.id], self.fault()
        if fault is not None and fault.kind == "carried out late":
            wait = fault.ends - self.clock.monotonic() + LATE
            self.late.append(asyncio.create_task(self.settle_late(entry, holder, claim, wait)))
        await self.reach()
        return await self.settle_now(entry, holder, claim)

    async def settle_late(self, entry: InboxEntry, holder: str, claim: int, wait: float) -> None:
        await asyncio.sleep(wait)
        await self.settle_now(entry, holder, claim)

    async def settle_now(self, entry: InboxEntry, holder: str, claim: int) -> bool:
        settled = await self.ledger.inbox.settle(entry, holder)
        if settled:
            self.ledger.settled(entry.event.id, claim)
        return settled

    async def handle(self, entry: InboxEntry, holder: str) -> InboxEntry:
        event = entry.event
        for other in self.in_work:
            if other.event.room_name == event.room_name:
                self.ledger.broken.append(f"{event.id} is handled beside {other.event.id}")
        self.in_work.append(entry)
        for _ in range(10):  # calls of LiveKit's
            await asyncio.sleep(self.takes[event.id] / 10)
        self.in_work.remove(entry)
        now = self.clock.now()
        is_first = self.claims[event.id] == 1
        after = entry.deferred("soon", now, now + SECOND) if is_first else entry.handled(now)
        await self.settle(after, holder)
        return after


FAULTS: Final = some.lists(
    some.builds(
        Fault,
        process=some.integers(0, 1),
        begins=some.integers(0, 40).map(float),
        lasts=some.sampled_from([1.0, 9.0, 30.0]),
        kind=some.sampled_from(["fails", "late", "carried out late"]),
    ),
    max_size=4,
)
TAKES: Final = some.lists(some.sampled_from([0.01, 7.0, 30.0]), min_size=1, max_size=4)


@examples(60)
@example(
    faults=[Fault(0, 29.0, 2.0, "carried out late"), Fault(1, 0.0, LONG_ENOUGH, "fails")],
    takes=[30.0],
    rooms=1,
)
@given(faults=FAULTS, takes=TAKES, rooms=some.integers(1, 3))
def test_given_any_faults_then_no_process_handles_an_event_twice_at_a_time(
    faults: list[Fault], takes: list[float], rooms: int
) -> None:
    async def story() -> SessionStore:
        ledger, ids, clock = SessionStore(), SequentialIds(), VirtualClock()
        durations = {f"EV_{number}": takes_it for number, takes_it in enumerate(takes)}
        for number in range(len(takes)):
            event = WebhookEvent(
                f"EV_{number}", "participant_joined", f"room-{number % rooms}", "RM", b""
            )
            entry = InboxEntry(event=event, received_at=clock.now(), due_at=clock.now())
            await ledger.inbox.add(entry)
        working = [
            asyncio.create_task(Process(ledger, number, faults, durations, ids).worker().run())
            for number in range(2)
        ]
        while clock.monotonic() < LONG_ENOUGH and not ledger.is_done:  # noqa: ASYNC110
            await asyncio.sleep(HEAD_START)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        return ledger

    with capture_logs() as logs:
        ledger = virtual_time.run(story())

    assert ledger.broken == []
    assert ledger.is_done
    told = {line["event"] for line in logs if line["log_level"] == "error"}
    assert told == set()
