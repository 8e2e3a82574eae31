"""What the reconciler puts right, what it leaves alone, and what it asks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import attrs
import pytest

from domain.calls.call import CallStatus
from domain.calls.call_facts import ParticipantSeen
from domain.rooms.room import Participant, ParticipantKind, Room
from domain.rooms.rooms import Rooms
from domain.rooms.sip_leg import LegStatus
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.timeline import Source
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import CALLER, INTERVAL, PhoneWorld, whats
from tests.unit.worlds.world import GRACE, JOIN, MOMENT, ROOM

SECOND = timedelta(seconds=1)


async def served(world: PhoneWorld, caller: str = CALLER, room: str = ROOM) -> None:
    """A call that all is well with."""
    await world.serves(caller, room)
    world.clock.advance(60 * SECOND)


async def test_given_a_call_that_nobody_announced_then_it_is_added_and_has_an_agent() -> None:
    world = PhoneWorld()
    leg = world.joins()
    done = await world.looks()
    call = world.call(leg)
    assert call.status is CallStatus.ACTIVE
    assert call.session_id == world.session().id
    assert whats(call)[0] == ("joined", "reconciler")
    assert len(world.dispatches()) == 1
    assert done.repairs == {"call_added": 1, "agent_dispatched": 1}


async def test_given_a_ringing_call_is_answered_then_it_is_followed() -> None:
    world = PhoneWorld()
    leg = world.joins(status=LegStatus.RINGING)
    await world.hears_all()
    assert world.call(leg).status is CallStatus.RINGING
    await world.looks()
    assert world.call(leg).status is CallStatus.RINGING
    world.answers()
    done = await world.looks()
    assert world.call(leg).status is CallStatus.ACTIVE
    assert done.repairs == {"call_followed": 1}


async def test_given_a_call_that_was_dialled_then_it_rings() -> None:
    world = PhoneWorld()
    leg = world.joins(status=LegStatus.DIALING)
    await world.hears_all()
    assert world.call(leg).status is CallStatus.CREATED
    people = world.livekit.opens(ROOM).people
    people[CALLER] = Participant(CALLER, ParticipantKind.SIP, leg=leg, leg_status=LegStatus.RINGING)
    await world.looks()
    assert world.call(leg).status is CallStatus.RINGING


async def test_given_the_agent_vanished_without_a_word_then_another_is_dispatched() -> None:
    world = PhoneWorld()
    await served(world)
    world.agents_leave()
    done = await world.looks()
    assert done.repairs == {}, "one answer without it may be wrong"
    world.clock.advance(INTERVAL)
    done = await world.looks()
    assert done.repairs == {"agent_dispatched": 1}
    assert len(world.livekit.expected(ROOM)) == 1
    assert world.agents() == []


@pytest.mark.parametrize(("after", "dispatches"), [(GRACE - MOMENT, 1), (GRACE, 2)])
async def test_given_no_worker_took_the_dispatch_then_it_is_replaced(
    after: timedelta, dispatches: int
) -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.clock.advance(after)
    await world.looks()
    assert world.livekit.count("create") == dispatches
    assert len(world.dispatches()) == 1, "the dispatch that no worker took is deleted"


@pytest.mark.parametrize(("after", "dispatches"), [(JOIN - MOMENT, 1), (JOIN, 2)])
async def test_given_a_worker_runs_the_job_then_its_agent_is_waited_for(
    after: timedelta, dispatches: int
) -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.livekit.workers_accept(ROOM)
    world.clock.advance(after)
    await world.looks()
    assert world.livekit.count("create") == dispatches
    assert len(world.dispatches()) == 1


async def test_given_a_cold_start_of_fifty_seconds_then_there_is_one_dispatch_and_its_latency() -> (
    None
):
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.livekit.workers_accept(ROOM)
    await world.goes_on(5)
    assert world.livekit.count("create") == 1
    world.agents_join()
    await world.hears_all()
    await world.goes_on(5)
    assert world.livekit.count("create") == 1
    assert world.session().status is SessionStatus.ACTIVE
    assert world.latencies == [50 * SECOND]
    assert world.session().join_latency == 50 * SECOND


async def test_given_no_worker_for_long_then_dispatches_are_further_and_further_apart() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    made = []
    for _ in range(30):
        await world.goes_on()
        made.append(world.livekit.count("create"))
        assert len(world.dispatches()) == 1
    gaps = [made.count(number) for number in range(min(made) + 1, max(made))]
    assert gaps == sorted(gaps), "later and later"
    assert 1 < gaps[-1] <= 7, "at most a minute apart, rounded up to a look"
    world.agents_join()
    await world.hears_all()
    assert world.session().status is SessionStatus.ACTIVE


async def test_given_livekit_does_not_confirm_the_caller_once_then_they_are_served_next() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.record_call_fact(leg, ParticipantSeen(None, leg.joined_at, Source.WEBHOOK))
    world.reconcile = world.new_reconcile(rotation=0)
    pause = world.livekit.pause("participants", after_applying=True)
    cycle = asyncio.create_task(world.looks())
    await pause.reached.wait()
    room = world.livekit.open.pop(ROOM)
    pause.resumed.set()
    assert (await cycle).repairs == {}
    world.livekit.open[ROOM] = room

    [done] = await world.goes_on()

    assert done.repairs == {"agent_dispatched": 1}
    assert world.call(leg).session_id == world.session().id


@pytest.mark.parametrize("by", ["dispatch", "agent"])
async def test_given_another_programs_agent_serves_the_caller_then_they_are_left_to_it(
    by: str,
) -> None:
    """A consultation room of a warm transfer, or another deployment's caller."""
    world = PhoneWorld()
    leg = world.joins()
    world.livekit.dispatches_of_others(ROOM, "another")
    if by == "agent":
        world.livekit.agents_join(ROOM)
        world.livekit.open[ROOM].dispatches.clear()
    world.reconcile = world.new_reconcile(rotation=0)
    done = [await world.looks(), *await world.goes_on(3)]
    assert [one.examined for one in done] == [1, 0, 0, 0]
    assert world.call(leg).session_id is None
    assert world.livekit.count("create") == 0


async def test_given_nobody_told_that_the_agent_joined_then_the_session_becomes_active() -> None:
    world = PhoneWorld()
    await world.start()
    world.livekit.opens(ROOM).people["user-1"] = Participant("user-1", ParticipantKind.STANDARD)
    await world.looks()
    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    world.agents_join()
    world.clock.advance(11 * SECOND)
    done = await world.looks()
    assert world.session().status is SessionStatus.ACTIVE
    assert done.repairs == {"agent_seen": 1}


async def test_given_a_second_caller_that_nobody_announced_then_they_share_the_agent() -> None:
    world = PhoneWorld()
    await served(world)
    second = world.joins("sip_2")
    await world.looks()
    assert world.call(second).session_id == world.session().id
    assert world.livekit.count("create") == 1


async def test_given_somebody_works_on_the_session_then_it_is_left_to_them() -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    world.joins()
    await world.looks()
    assert world.session() == session
    assert world.livekit.count("create") == 0


async def test_given_a_session_that_nobody_ever_came_to_then_it_is_abandoned_in_the_end() -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    await world.ledger.save(session.with_dispatch_failed(world.clock.now(), uncertain=False))
    world.clock.advance(9 * 60 * SECOND)
    await world.looks()
    assert world.session().is_live
    world.clock.advance(2 * 60 * SECOND)
    await world.looks()
    assert world.session().end_reason is EndReason.ABANDONED
    assert not world.session().end_concluded, "there is no room that could come back"


async def room_brought_back(world: PhoneWorld) -> None:
    """A dispatch that was on its way when the room closed has opened it again."""
    await served(world)
    world.closes()
    await world.agent_comes_late(world.session())


async def test_given_a_dispatch_came_too_late_for_its_caller_then_the_agent_is_withdrawn() -> None:
    world = PhoneWorld()
    await room_brought_back(world)
    done = await world.looks()
    assert done.repairs == {"call_ended": 1, "agent_withdrawn": 1}
    assert world.session().end_reason is EndReason.ROOM_FINISHED
    assert world.dispatches() == []
    assert world.agents() == []


async def test_given_the_agent_cannot_be_withdrawn_then_the_next_cycle_tries_again() -> None:
    world = PhoneWorld()
    await room_brought_back(world)
    world.livekit.fail("delete_dispatch", Fault.UNREACHABLE)
    done = await world.looks()
    assert done.problems == ["LiveKit cannot be reached."]
    assert done.failures == {"livekit_unreachable": 1}
    assert world.session().is_live
    await world.looks()
    assert not world.session().is_live
    assert world.agents() == []


async def test_given_the_number_of_people_is_late_then_nobody_loses_their_agent() -> None:
    world = PhoneWorld()
    await room_brought_back(world)
    new = world.joins("sip_2")
    told = world.rooms.all

    async def late() -> list[Room]:
        return [attrs.evolve(room, people=0) for room in await told()]

    world.reconcile.rooms = cast(
        "Rooms",
        SimpleNamespace(all=late, participants=world.rooms.participants, find=world.rooms.find),
    )
    await world.looks()
    assert world.session().is_live
    assert len(world.livekit.expected(ROOM)) == 1
    assert new.room_sid == world.session().room_sid


async def test_given_the_list_of_participants_is_late_then_nobody_loses_their_agent() -> None:
    world = PhoneWorld()
    await room_brought_back(world)
    told = world.rooms.all

    async def with_a_person() -> list[Room]:
        return [attrs.evolve(room, people=1) for room in await told()]

    world.reconcile.rooms = cast("Rooms", SimpleNamespace(all=with_a_person, find=world.rooms.find))
    await world.looks()
    assert world.session().is_live
    assert len(world.livekit.expected(ROOM)) == 1


async def test_given_somebody_has_come_to_the_room_that_was_brought_back_then_all_go_on() -> None:
    world = PhoneWorld()
    await room_brought_back(world)
    session = world.session()
    new = world.joins("sip_2")
    await world.looks()  # the session has its new room ...
    await world.looks()  # ... and the caller the session
    assert world.session().id == session.id
    assert world.session().room_sid == new.room_sid
    assert world.call(new).session_id == session.id
    assert len(world.livekit.expected(ROOM)) == 1


async def test_given_the_room_was_replaced_while_it_was_looked_into_then_nothing_is_mixed_up() -> (
    None
):
    world = PhoneWorld()
    world.joins()
    pause = world.livekit.pause("participants")

    async def replace() -> None:
        await pause.reached.wait()
        world.closes()
        world.joins("sip_2")
        pause.resumed.set()

    await asyncio.gather(world.looks(), replace())
    assert {call.room_sid for call in world.storage.calls} <= {leg.room_sid for leg in world.stays}
    for call in world.storage.calls:
        assert call.leg in world.stays
