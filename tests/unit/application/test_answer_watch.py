"""The loop that looks at ringing calls, in time that passes only while everyone waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from typing import cast

import attrs
from structlog.testing import capture_logs

from adapters.memory.storage import MemoryStorage
from application.workers.answer_watch import AT_ONCE, AnswerWatch
from application.workers.event_signal import EventSignal
from domain.access.access import SYSTEM
from domain.calls.call import Call
from domain.calls.call_facts import ParticipantSeen
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.unanswered_calls import BACK_OFF, UnansweredCalls
from domain.calls.watch_answers import WatchAnswers
from domain.rooms.room import Participant, ParticipantKind, Room
from domain.rooms.rooms import Rooms
from domain.rooms.sip_leg import LegStatus, SipLeg
from domain.shared.livekit_errors import LiveKitUnreachable
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import new_announcer
from tests.unit.events.test_event_stream import in_virtual_time
from tests.unit.worlds.fakes import SequentialIds
from tests.virtual_time import VirtualClock

PER_SECOND = 10


class Phones:
    """LiveKit's rooms with a phone in each; ``takes`` is how long each answer takes, by room."""

    def __init__(self) -> None:
        self.legs: dict[str, SipLeg] = {}
        self.status: dict[str, LegStatus] = {}
        self.takes: dict[str, float] = {}
        self.fails: Exception | None = None
        self.looks: list[tuple[float, str]] = []
        self.waiting = 0

    async def participants(self, room: Room) -> list[Participant]:
        self.looks.append((asyncio.get_running_loop().time(), room.name))
        self.waiting += 1
        try:
            await asyncio.sleep(self.takes.get(room.name, 0.01))
        finally:
            self.waiting -= 1
        if self.fails is not None:
            raise self.fails
        leg, status = self.legs[room.name], self.status[room.name]
        return [Participant("sip_1", ParticipantKind.SIP, leg=leg, leg_status=status)]

    def times(self, room: str) -> list[float]:
        return [at for at, name in self.looks if name == room]


@attrs.define
class Service:
    """A process, on a ledger that outlives it."""

    phones: Phones = attrs.field(factory=Phones)
    storage: MemoryStorage = attrs.field(factory=lambda: MemoryStorage(new_announcer()))
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    ids: SequentialIds = attrs.field(factory=SequentialIds)
    told: list[tuple[float, list[LegStatus]]] = attrs.field(factory=list)
    per_second: int = PER_SECOND
    others_left: EventSignal = attrs.field(factory=EventSignal)
    record: RecordCallFact = attrs.field(init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """A new process; when the block ends it dies."""
        calls = UnansweredCalls(clock=self.clock, watched_for=timedelta(minutes=10))
        unit_of_work = self.storage.unit_of_work
        self.record = RecordCallFact(unit_of_work=unit_of_work, ids=self.ids, recorded=calls.note)
        watch = AnswerWatch(
            calls=calls,
            watch_answers=WatchAnswers(
                unit_of_work=unit_of_work,
                rooms=cast("Rooms", self.phones),
                record_call_fact=self.record,
                calls=calls,
                clock=self.clock,
            ),
            clock=self.clock,
            others_left=self.others_left,
            per_second=self.per_second,
            looked=lambda seconds, news: self.told.append((seconds, news)),
        )
        running = asyncio.create_task(watch.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            assert self.phones.waiting == 0, "a look was left behind"

    async def rings(self, room: str) -> None:
        """A webhook reports that a phone rings there."""
        leg = SipLeg(
            room_name=room,
            room_sid=f"RM_{room}",
            participant_sid=f"PA_{room}",
            participant_identity="sip_1",
            joined_at=self.clock.now(),
        )
        self.phones.legs[room], self.phones.status[room] = leg, LegStatus.RINGING
        await self.record(leg, ParticipantSeen(LegStatus.RINGING, leg.joined_at, Source.WEBHOOK))

    def answers(self, room: str) -> None:
        self.phones.status[room] = LegStatus.ACTIVE

    async def call(self, room: str) -> Call:
        async with self.storage.unit_of_work() as work:
            [call] = await work.calls.live_in(f"RM_{room}", SYSTEM)
        return call


@in_virtual_time
async def test_an_answer_is_known_within_a_second() -> None:
    service = Service()
    async with service.running():
        await service.rings("one")
        for _ in range(40):
            await asyncio.sleep(0.37)
        answered_at = service.clock.now()
        service.answers("one")
        await asyncio.sleep(1)

        call = await service.call("one")
        assert call.answered_at is not None
        assert call.answered_at - answered_at < timedelta(seconds=0.6)
        looks = len(service.phones.looks)
        await asyncio.sleep(60)
        assert len(service.phones.looks) == looks, "nothing rings"
    assert service.told[-1][1] == [LegStatus.ACTIVE]
    assert all(0.4 < seconds < 0.6 for seconds, _ in service.told)


@in_virtual_time
async def test_given_many_calls_ring_then_the_budget_holds_and_each_has_its_turn() -> None:
    service = Service()
    async with service.running():
        for number in range(30):
            await service.rings(str(number))
        await asyncio.sleep(31)

    times = [at for at, _ in service.phones.looks]
    assert all(later - earlier > 0.09 for earlier, later in pairwise(times))
    assert len(times) > 290
    turns = Counter(room for _, room in service.phones.looks)
    assert max(turns.values()) - min(turns.values()) <= 1


@in_virtual_time
async def test_given_livekit_answers_slowly_for_one_room_then_the_others_are_looked_at() -> None:
    service = Service()
    service.phones.takes["slow"] = 10
    async with service.running():
        await service.rings("slow")
        await service.rings("quick")
        await asyncio.sleep(9)

        assert len(service.phones.times("slow")) == 1
        assert len(service.phones.times("quick")) >= 16


@in_virtual_time
async def test_given_livekit_hangs_then_few_requests_wait_for_it() -> None:
    service = Service()
    async with service.running():
        for number in range(3 * AT_ONCE):
            service.phones.takes[str(number)] = 10
            await service.rings(str(number))
        await asyncio.sleep(9)

        assert service.phones.waiting == AT_ONCE


@in_virtual_time
async def test_given_livekit_is_down_then_looks_become_rare_and_one_line_a_minute_is_logged() -> (
    None
):
    service = Service()
    service.phones.fails = LiveKitUnreachable("LiveKit cannot be reached.")
    with capture_logs() as logs:
        async with service.running():
            await service.rings("one")
            await service.rings("two")
            await asyncio.sleep(150)
            later = [at for at in service.phones.times("one") if at > 30]
            service.phones.fails = None
            service.answers("one")
            await asyncio.sleep(BACK_OFF.total_seconds() + 0.1)
            assert (await service.call("one")).answered_at is not None

    assert all(after - before >= 5 for before, after in pairwise(later))
    assert [line["log_level"] for line in logs] == ["warning"] * 3
    assert {line["reason"] for line in logs} == {"LiveKit cannot be reached."}


@in_virtual_time
async def test_a_defect_in_a_look_is_logged_with_its_trace_and_stops_no_other() -> None:
    service = Service()
    with capture_logs() as logs:
        async with service.running():
            await service.rings("one")
            del service.phones.status["one"]
            await asyncio.sleep(0.6)
            await service.rings("two")
            service.answers("two")
            await asyncio.sleep(1)

            assert (await service.call("two")).answered_at is not None
    assert isinstance(logs[0]["exc_info"], KeyError)


@in_virtual_time
async def test_given_the_process_is_killed_then_the_next_one_knows_the_answer() -> None:
    service = Service()
    async with service.running():
        await service.rings("one")
        await asyncio.sleep(0.2)
    service.answers("one")

    async with service.running():
        await asyncio.sleep(1)

        assert (await service.call("one")).answered_at is not None


@in_virtual_time
async def test_given_another_replica_is_killed_then_its_calls_are_taken_up() -> None:
    survivor = Service()
    async with survivor.running():
        await asyncio.sleep(1)  # it has read the ledger, which is empty
        killed = Service(survivor.phones, survivor.storage, survivor.clock, survivor.ids)
        async with killed.running():
            await killed.rings("one")
        await asyncio.sleep(60)
        assert survivor.phones.looks == []

        survivor.others_left.ring()
        survivor.answers("one")
        await asyncio.sleep(1)

        assert (await survivor.call("one")).answered_at is not None


@in_virtual_time
async def test_given_two_replicas_watch_a_call_then_it_is_answered_once() -> None:
    service = Service()
    async with service.running():
        await service.rings("one")
        other = Service(service.phones, service.storage, service.clock, service.ids)
        async with other.running():
            await asyncio.sleep(1)
            service.answers("one")
            await asyncio.sleep(1)

            call = await service.call("one")
    assert [entry.what for entry in call.timeline] == ["joined", "ringing", "active"]
    assert call.version <= 2


@in_virtual_time
async def test_given_no_looks_are_allowed_then_none_is_made() -> None:
    service = Service(per_second=0)
    async with service.running():
        await service.rings("one")
        await asyncio.sleep(10)

    assert service.phones.looks == []
