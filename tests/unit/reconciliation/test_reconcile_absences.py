"""What LiveKit does not list ends once that is confirmed."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from domain.calls.call import Call, CallStatus
from domain.calls.dial_request import DialRequest
from domain.rooms.room import Room
from domain.rooms.rooms import Rooms
from domain.sessions.session_status import EndReason
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault, LiveRoom
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld, whats
from tests.unit.worlds.world import ROOM

SECOND = timedelta(seconds=1)
MINUTE = 60 * SECOND
ALMOST = 0.9 * INTERVAL
"""Cycles do not begin at exactly the same distance."""


async def served(world: PhoneWorld, rooms: int = 1) -> None:
    """So many calls that all is well with, in ``room-1`` and others."""
    for number in range(1, rooms + 1):
        await world.serves(f"sip_{number}", f"room-{number}")
    world.clock.advance(MINUTE)
    await world.looks()
    world.clock.advance(INTERVAL)


def loses_its_rooms(world: PhoneWorld) -> dict[str, LiveRoom]:
    """LiveKit lists nothing any more; what it had."""
    had = dict(world.livekit.open)
    world.livekit.open.clear()
    return had


def kept(world: PhoneWorld) -> int:
    """How many sessions and calls are live."""
    sessions = sum(one.is_live for one in world.storage.stored.values())
    return sessions + sum(call.is_live for call in world.storage.calls)


async def test_given_a_call_that_is_being_dialled_then_no_look_ends_it() -> None:
    world = PhoneWorld()
    await served(world)
    request = DialRequest(room_name=ROOM, participant_identity="sip_2", to_number="+15105550123")
    call = Call.placed(world.ids.call_id(), request, world.clock.now(), tenant=None)
    async with world.storage() as work:
        await work.calls.add(call)
        await work.commit()

    cycles = await world.goes_on(5)
    world.closes()
    cycles += await world.goes_on(5)

    assert next(one for one in world.storage.calls if one.id == call.id) == call
    assert [done.failures for done in cycles] == [{}] * 10


# A caller is not listed


async def test_given_nobody_told_that_the_caller_left_then_the_second_look_ends_the_call() -> None:
    world = PhoneWorld()
    await served(world)
    joined = world.stays[0].joined_at
    world.leaves("sip_1")

    await world.looks()
    assert world.call(world.stays[0]).is_live
    world.clock.advance(INTERVAL)
    done = await world.looks()

    call = world.call(world.stays[0])
    assert call.status is CallStatus.ENDED
    assert call.duration == world.clock.now() - joined
    assert call.disconnect_reason is None
    assert whats(call)[-1] == ("left", "reconciler")
    assert done.repairs == {"call_ended": 1}


@pytest.mark.parametrize(("after", "is_live"), [(ALMOST - SECOND, True), (ALMOST, False)])
async def test_given_a_second_look_too_soon_then_the_call_goes_on(
    after: timedelta,
    is_live: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    await served(world)
    world.leaves("sip_1")
    await world.looks()
    world.clock.advance(after)
    await world.looks()
    assert world.call(world.stays[0]).is_live is is_live


async def test_given_the_caller_is_listed_again_then_an_absence_begins_anew() -> None:
    world = PhoneWorld()
    await served(world)
    people = world.livekit.open[ROOM].people
    caller = people.pop("sip_1")
    await world.looks()
    people["sip_1"] = caller
    await world.goes_on()
    del people["sip_1"]
    await world.goes_on()
    assert world.call(world.stays[0]).is_live
    await world.goes_on()
    assert not world.call(world.stays[0]).is_live


async def test_given_a_caller_who_has_just_joined_then_not_being_listed_takes_no_agent_away() -> (
    None
):
    """LiveKit lists a participant up to 2 s after its event, and counts it up to 5 s later."""
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    caller = world.livekit.open[ROOM].people.pop(leg.participant_identity)
    await world.looks()
    assert world.call(leg).is_live
    assert world.session().is_live
    assert len(world.dispatches()) == 1
    world.livekit.open[ROOM].people[leg.participant_identity] = caller
    world.clock.advance(2 * SECOND)
    await world.looks()
    assert world.call(leg).session_id == world.session().id
    assert world.livekit.count("create") == 1


async def test_given_an_ended_session_and_a_caller_who_is_not_listed_then_their_room_stays() -> (
    None
):
    world = PhoneWorld()
    await served(world)
    ended = world.session().ended(EndReason.ENDED_BY_CALLER, world.clock.now())
    await world.ledger.save(ended)
    caller = world.livekit.open[ROOM].people.pop("sip_1")
    await world.looks()
    assert ROOM in world.livekit.open
    world.livekit.open[ROOM].people["sip_1"] = caller
    await world.goes_on()
    assert world.call(world.stays[0]).is_live


# A room is not listed


async def test_given_nobody_told_that_the_room_closed_then_the_second_look_ends_all() -> None:
    world = PhoneWorld()
    await served(world)
    world.closes()
    assert (await world.looks()).repairs == {}
    assert kept(world) == 2
    world.clock.advance(INTERVAL)
    done = await world.looks()
    assert world.call(world.stays[0]).disconnect_reason == "ROOM_CLOSED"
    assert world.session().end_reason is EndReason.ROOM_FINISHED
    assert world.session().end_concluded
    assert (world.session().timeline[-1].what, str(world.session().timeline[-1].source)) == (
        "ended",
        "reconciler",
    )
    assert done.repairs == {"call_ended": 1, "session_ended": 1}


async def test_given_livekit_lists_nothing_once_then_nothing_ends() -> None:
    world = PhoneWorld()
    await served(world, rooms=2)
    had = loses_its_rooms(world)
    await world.looks()
    world.livekit.open.update(had)
    await world.goes_on(3)
    assert kept(world) == 4


async def test_given_the_list_leaves_a_room_out_that_is_there_then_nothing_ends() -> None:
    world = PhoneWorld()
    await served(world)

    async def nothing() -> list[Room]:
        return []

    rooms = SimpleNamespace(all=nothing, find=world.rooms.find)
    world.reconcile.rooms = cast("Rooms", rooms)
    await world.goes_on(20)
    assert kept(world) == 2


async def test_given_the_name_has_been_used_again_then_the_first_look_ends_the_old_ones() -> None:
    world = PhoneWorld()
    await served(world)
    old = world.session()
    world.closes()
    new = world.joins("sip_2")
    await world.looks()
    assert world.call(world.stays[0]).status is CallStatus.ENDED
    assert world.storage.stored[old.id].end_reason is EndReason.ROOM_FINISHED
    assert not world.storage.stored[old.id].end_concluded, "another instance is proof"
    assert world.call(new).is_live
    assert world.session().id != old.id
    assert world.call(new).session_id == world.session().id


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.REFUSED, Fault.UNCERTAIN_AFTER])
async def test_given_livekit_is_out_of_reach_then_nothing_ends(fault: Fault) -> None:
    world = PhoneWorld()
    await served(world)
    world.livekit.down = fault
    calls, sessions = world.storage.calls, dict(world.storage.stored)
    for _ in range(3):
        with pytest.raises(LiveKitError):
            await world.looks()
        world.clock.advance(INTERVAL)
    assert world.storage.calls == calls
    assert world.storage.stored == sessions


async def test_given_no_answer_about_the_room_then_it_ends_at_a_later_look() -> None:
    world = PhoneWorld()
    await served(world)
    world.closes()
    await world.looks()
    world.clock.advance(INTERVAL)
    world.livekit.fail("find", Fault.UNREACHABLE, Fault.UNREACHABLE)
    assert (await world.looks()).failures == {"livekit_unreachable": 2}
    assert kept(world) == 2
    world.clock.advance(INTERVAL)
    await world.looks()
    assert kept(world) == 0


async def test_without_telephony_sessions_end_with_their_rooms_and_there_are_no_calls() -> None:
    world = PhoneWorld()
    world.reconcile = world.new_reconcile(telephony=False)
    await world.start(room_name="room-web")
    world.joins()
    world.closes("room-web")
    await world.looks_twice()
    assert world.storage.calls == []
    assert world.session("room-web").end_reason is EndReason.ROOM_FINISHED
