"""An answer is seen by asking LiveKit, though no webhook comes and the reconciler does not look.

In what order is in ``test_unanswered_calls.py``; the loop is in ``tests/unit/application``.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import attrs
import pytest

from domain.calls.call import CallStatus
from domain.calls.unanswered_calls import BACK_OFF, EVERY, LONGEST
from domain.rooms.sip_leg import LegStatus, SipLeg
from domain.shared.errors import StorageUnavailable
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld, whats

SECOND = timedelta(seconds=1)
RINGING, ACTIVE = LegStatus.RINGING, LegStatus.ACTIVE


class WatchedWorld(PhoneWorld):
    """A service that watches calls, and what it asks LiveKit meanwhile."""

    async def rings(self, room: str = "room-1", status: LegStatus | None = RINGING) -> SipLeg:
        leg = self.joins(room_name=room, status=status)
        await self.hears_all()
        return leg

    def changes(self, leg: SipLeg, status: LegStatus | None) -> None:
        people = self.livekit.open[leg.room_name].people
        caller = people[leg.participant_identity]
        people[leg.participant_identity] = attrs.evolve(caller, leg_status=status)

    async def watches_for(self, duration: timedelta) -> int:
        """Return how many looks there are in a time."""
        before = len(self.livekit.calls)
        for _ in range(duration // EVERY):
            self.clock.advance(EVERY)
            await self.watches()
        asked = self.livekit.calls[before:]
        assert set(asked) <= {"participants"}
        return len(asked)


async def test_given_a_call_rings_when_it_is_answered_then_that_is_known_at_the_next_look() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    await world.watches_for(10 * SECOND)
    assert world.call(leg).status is CallStatus.RINGING

    world.answers()
    await world.watches_for(EVERY)

    call = world.call(leg)
    assert (call.status, call.answered_at) == (CallStatus.ACTIVE, world.clock.now())
    assert ("active", "reconciler") in whats(call)
    assert await world.watches_for(10 * SECOND) == 0, "it was answered"


async def test_given_a_call_is_dialled_then_it_is_seen_to_ring_and_to_be_answered() -> None:
    world = WatchedWorld()
    leg = await world.rings(status=LegStatus.DIALING)

    for status, expected in [(RINGING, CallStatus.RINGING), (ACTIVE, CallStatus.ACTIVE)]:
        world.changes(leg, status)
        await world.watches_for(EVERY)
        assert world.call(leg).status is expected


@pytest.mark.parametrize("status", [LegStatus.AUTOMATION, None])
async def test_a_leg_that_dials_on_or_says_nothing_was_answered(status: LegStatus | None) -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.changes(leg, status)

    await world.watches_for(EVERY)

    assert world.call(leg).status is CallStatus.ACTIVE


async def test_given_another_replica_sees_the_answer_first_then_it_is_asked_for_once_more() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.answers()
    await PhoneWorld(beside=world).looks()
    before = world.call(leg)

    assert await world.watches_for(10 * SECOND) == 1

    assert world.call(leg) == before


async def test_a_look_that_finds_no_news_writes_nothing() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    before = world.call(leg)

    assert await world.watches_for(10 * SECOND) == 20

    assert world.call(leg) == before


async def test_two_telephones_in_a_room_are_one_look() -> None:
    world = WatchedWorld()
    first = await world.rings()
    second = world.joins("sip_+15105550101", status=RINGING)
    await world.hears_all()

    assert await world.watches_for(EVERY) == 1
    world.answers("sip_+15105550101")
    await world.watches_for(EVERY)

    assert world.call(first).status is CallStatus.RINGING
    assert world.call(second).status is CallStatus.ACTIVE


async def test_given_the_caller_hangs_up_then_nobody_asks_for_them_any_more() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.leaves()
    await world.hears_all()

    assert await world.watches_for(10 * SECOND) == 0
    assert world.call(leg).status is CallStatus.ENDED


async def test_given_another_replica_hears_of_the_hang_up_then_it_is_not_asked_for_long() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    await world.watches_for(10 * SECOND)
    world.leaves()
    await PhoneWorld(beside=world).hears_all()

    assert await world.watches_for(10 * SECOND) <= 1
    assert world.call(leg).status is CallStatus.ENDED


async def test_given_livekit_lists_a_caller_late_then_the_call_is_watched_all_the_same() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.livekit.lies.add("participants")
    await world.watches_for(SECOND)
    world.livekit.lies.clear()

    world.answers()
    await world.watches_for(EVERY)

    assert world.call(leg).status is CallStatus.ACTIVE


async def test_a_caller_who_is_not_listed_is_left_to_the_webhook_and_the_reconciler() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.leaves()  # of which no webhook comes

    await world.watches_for(10 * SECOND)

    assert world.call(leg).status is CallStatus.RINGING, "one answer ends nothing"
    await world.looks_twice()
    assert world.call(leg).status is CallStatus.ENDED


@pytest.mark.parametrize("answer_first", [True, False])
async def test_an_answer_that_is_seen_when_the_end_is_reported_does_not_contradict_it(
    *, answer_first: bool
) -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.clock.advance(EVERY)
    world.answers()
    pause = world.livekit.pause("participants", after_applying=True)
    look = asyncio.create_task(world.watches())
    await pause.reached.wait()
    if answer_first:
        pause.resumed.set()
        await look
    world.leaves()
    await world.hears_all()
    world.clock.advance(SECOND)
    pause.resumed.set()
    await look

    call = world.call(leg)
    assert call.status is CallStatus.ENDED
    assert call.answered_at is not None
    assert call.ended_at is not None
    assert call.answered_at <= call.ended_at
    events = world.storage.memory.outbox.stored
    kinds = [event.kind for event in events if event.kind.startswith("call.")]
    last = ["call.answered", "call.ended"] if answer_first else ["call.ended", "call.corrected"]
    assert kinds[-2:] == last


async def test_given_the_process_was_killed_then_it_finds_what_rings_in_the_ledger() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    dialled = world.joins("sip_2", "room-2", LegStatus.DIALING)
    answered = world.joins("sip_3", "room-3", ACTIVE)
    await world.hears_all()
    restarted = WatchedWorld(beside=world)

    await restarted.watch_answers.take_up()

    assert len(restarted.unanswered) == 2
    for each in (leg, dialled):
        world.changes(each, ACTIVE)
    assert await restarted.watches_for(EVERY) == 2
    for each in (leg, dialled, answered):
        assert world.call(each).status is CallStatus.ACTIVE


async def test_given_another_replica_was_killed_then_the_reconciler_takes_its_calls_up() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    other = WatchedWorld(beside=world)
    assert await other.watches_for(SECOND) == 0

    await other.looks()
    world.answers()
    await other.watches_for(EVERY)

    assert world.call(leg).status is CallStatus.ACTIVE


async def test_a_call_that_another_process_follows_is_watched_no_longer_than_three_cycles() -> None:
    world = WatchedWorld()
    await world.rings()

    await world.watches_for(3 * INTERVAL - EVERY)
    assert await world.watches_for(10 * SECOND) == 0
    assert len(world.unanswered) == 0

    await world.looks()  # this process is the reconciler's again
    assert await world.watches_for(SECOND) == 2


async def test_a_call_that_rings_for_ever_is_left_to_the_reconciler() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    for _ in range(LONGEST // INTERVAL):
        world.clock.advance(INTERVAL)
        await world.looks()

    assert await world.watches_for(10 * SECOND) == 0
    world.answers()
    await world.looks()
    assert world.call(leg).status is CallStatus.ACTIVE


async def test_given_the_call_was_deleted_or_a_backup_restored_then_nothing_is_recorded() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.storage.memory.calls.by_id.pop(world.call(leg).id)
    world.answers()

    await world.watches_for(SECOND)

    assert not world.known(leg), "the reconciler adds it, with its tenant"
    assert len(world.unanswered) == 0


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.UNREACHABLE, Fault.TIMED_OUT_BEFORE])
async def test_given_livekit_fails_then_looks_become_rare_and_go_on(fault: Fault) -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.livekit.down = fault
    looks = 0
    for _ in range(20 * SECOND // EVERY):
        world.clock.advance(EVERY)
        try:
            await world.watches()
        except LiveKitError:
            looks += 1
    assert looks == 6, "after 0.5, 1.5, 3.5, 7.5, 12.5 and 17.5 seconds"

    world.livekit.recover()
    world.answers()
    await world.watches_for(BACK_OFF)

    assert world.call(leg).status is CallStatus.ACTIVE


async def test_given_the_ledger_fails_then_the_answer_is_recorded_later() -> None:
    world = WatchedWorld()
    leg = await world.rings()
    world.answers()
    world.clock.advance(EVERY)
    world.storage.broken = True
    with pytest.raises(StorageUnavailable):
        await world.watches()
    world.storage.broken = False

    await world.watches_for(BACK_OFF)

    assert world.call(leg).status is CallStatus.ACTIVE
