"""What the reconciler puts right, what it leaves alone, and what it asks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import attrs
import pytest

from domain.call import CallStatus, LegStatus
from domain.errors import LiveKitError, LiveKitUnreachable, StorageUnavailable
from domain.ports.rooms import Rooms
from domain.room import Participant, ParticipantKind, Room
from domain.session import EndReason, SessionStatus
from tests.unit.domain.fake_livekit import Fault
from tests.unit.domain.telephony import CALLER, PhoneWorld, whats
from tests.unit.domain.world import ROOM

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


async def test_given_nobody_told_that_the_caller_left_then_the_call_ends() -> None:
    world = PhoneWorld()
    await served(world)
    world.leaves()
    await world.looks()
    call = world.call(world.stays[0])
    assert call.status is CallStatus.ENDED
    assert call.duration == 60 * SECOND
    assert call.disconnect_reason is None
    assert whats(call)[-1] == ("left", "reconciler")


async def test_given_nobody_told_that_the_room_closed_then_calls_and_sessions_end() -> None:
    world = PhoneWorld()
    await served(world)
    world.closes()
    done = await world.looks()
    assert world.call(world.stays[0]).disconnect_reason == "ROOM_CLOSED"
    assert world.session().end_reason is EndReason.ROOM_FINISHED
    assert done.repairs == {"call_ended": 1, "session_ended": 1}


async def test_given_the_name_has_been_used_again_then_the_old_call_and_session_end() -> None:
    world = PhoneWorld()
    await served(world)
    old = world.session()
    world.closes()
    new = world.joins()
    await world.looks()
    assert world.call(world.stays[0]).status is CallStatus.ENDED
    assert world.call(new).is_live
    assert world.session().id != old.id
    assert world.call(new).session_id == world.session().id


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
    assert done.repairs == {"agent_dispatched": 1}
    assert len(world.livekit.expected(ROOM)) == 1


async def test_given_an_agent_dispatched_a_moment_ago_then_it_is_waited_for() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.clock.advance(3 * SECOND)
    await world.looks()
    assert world.livekit.count("create") == 1
    world.clock.advance(10 * SECOND)
    await world.looks()
    assert world.livekit.count("create") == 2
    assert len(world.livekit.expected(ROOM)) == 1, "the dispatch that no worker took is deleted"


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


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.REFUSED, Fault.UNCERTAIN_AFTER])
async def test_given_livekit_is_out_of_reach_then_nothing_ends(fault: Fault) -> None:
    world = PhoneWorld()
    await served(world)
    world.livekit.down = fault
    calls, sessions = world.storage.calls, dict(world.storage.stored)
    with pytest.raises(LiveKitError):
        await world.looks()
    assert world.storage.calls == calls
    assert world.storage.stored == sessions


async def test_given_the_ledger_is_out_of_reach_then_the_cycle_ends_and_nothing_goes_on() -> None:
    world = PhoneWorld()
    world.reconcile.parallel = 4
    for number in range(8):
        world.joins(f"sip_{number}", f"room-{number}")
    pause = world.livekit.pause("participants")
    cycle = asyncio.create_task(world.looks())
    await pause.reached.wait()
    world.storage.broken = True
    with pytest.raises(StorageUnavailable):
        await cycle
    world.storage.broken = False
    pause.resumed.set()
    await asyncio.sleep(0.01)
    assert world.storage.calls == []


async def test_given_one_room_cannot_be_looked_into_then_the_others_are() -> None:
    world = PhoneWorld()
    one, other = world.joins("sip_1", "room-a"), world.joins("sip_2", "room-b")
    world.livekit.fail("participants", Fault.UNREACHABLE)
    done = await world.looks()
    assert [world.known(leg) for leg in (one, other)] == [False, True]
    assert done.problems == [str(Fault.UNREACHABLE.error())]
    assert isinstance(Fault.UNREACHABLE.error(), LiveKitUnreachable)
    await world.looks()
    assert world.known(one)


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


async def test_given_the_agent_cannot_be_withdrawn_then_the_next_cycle_tries_again() -> None:
    world = PhoneWorld()
    await room_brought_back(world)
    world.livekit.fail("delete_dispatch", Fault.UNREACHABLE)
    done = await world.looks()
    assert done.problems == ["LiveKit cannot be reached."]
    assert world.session().is_live
    await world.looks()
    assert not world.session().is_live


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


async def test_given_a_caller_who_has_just_joined_then_not_being_listed_means_nothing() -> None:
    world = PhoneWorld()
    leg = world.joins(status=LegStatus.RINGING)
    await world.hears_all()
    world.livekit.opens(ROOM).people.clear()
    await world.looks()
    assert world.call(leg).is_live
    world.clock.advance(3 * SECOND)
    await world.looks()
    assert not world.call(leg).is_live


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
    assert {call.leg.room_sid for call in world.storage.calls} <= {
        leg.room_sid for leg in world.stays
    }
    for call in world.storage.calls:
        assert call.leg in world.stays


async def test_without_telephony_sessions_alone_are_compared() -> None:
    world = PhoneWorld()
    world.reconcile = world.new_reconcile(telephony=False)
    await world.start(room_name="room-web")
    world.joins()
    world.closes("room-web")
    await world.looks()
    assert world.storage.calls == []
    assert world.session("room-web").end_reason is EndReason.ROOM_FINISHED


# What it asks


async def test_given_all_is_well_then_it_asks_about_no_room_but_those_whose_turn_it_is() -> None:
    world = PhoneWorld()
    for number in range(8):
        await served(world, f"sip_{number}", f"room-{number}")
        world.livekit.opens(f"web-{number}").people["user"] = Participant(
            "user", ParticipantKind.STANDARD
        )
    world.reconcile.rotation = 3
    await world.looks()
    world.livekit.calls.clear()
    looked_into = []
    for _ in range(4):
        done = await world.looks()
        looked_into.append(done.examined)
    assert world.livekit.count("list_rooms") == 4
    assert looked_into == [3, 3, 3, 3]
    assert world.livekit.count("participants") == 12
    assert set(world.livekit.calls) == {"list_rooms", "participants"}


async def test_a_cycle_looks_into_no_more_rooms_than_its_budget_and_the_next_goes_on() -> None:
    world = PhoneWorld()
    world.reconcile = world.new_reconcile(budget=5)
    for number in range(12):
        world.joins(f"sip_{number}", f"room-{number}")
    for added in (5, 4, 3):  # from the second cycle on, one look is for those it has
        done = await world.looks()
        assert done.examined <= 5
        assert done.repairs["call_added"] == added


async def test_a_session_whose_agent_never_came_is_looked_into_once_not_for_ever() -> None:
    world = PhoneWorld()
    await world.start()
    world.livekit.opens(ROOM).people["user-1"] = Participant("user-1", ParticipantKind.STANDARD)
    world.clock.advance(11 * SECOND)
    world.reconcile.rotation = 0
    assert (await world.looks()).examined == 1
    assert (await world.looks()).examined == 0


async def test_given_somebody_in_anothers_place_then_they_are_found_when_it_is_their_turn() -> None:
    world = PhoneWorld()
    user = Participant("user-1", ParticipantKind.STANDARD)
    world.livekit.opens(ROOM).people["user-1"] = user
    await world.looks()
    world.leaves("user-1")
    leg = world.joins()
    await world.looks()
    assert world.known(leg)
