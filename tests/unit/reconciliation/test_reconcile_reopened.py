"""What was concluded to have ended is reopened when LiveKit lists it again."""

from __future__ import annotations

from domain.calls.call import CallStatus
from domain.rooms.room import Participant, ParticipantKind
from domain.sessions.session_status import EndReason, SessionStatus
from tests.unit.reconciliation.test_reconcile_absences import kept, loses_its_rooms, served
from tests.unit.worlds.fake_livekit import LiveRoom
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld
from tests.unit.worlds.world import ROOM


async def concluded(world: PhoneWorld) -> LiveRoom:
    """A web session whose room LiveKit lost from view, until the session had ended."""
    await world.start()
    world.user_joins()
    world.agents_join()
    await world.hears_all()
    room = world.livekit.open.pop(ROOM)
    await world.looks_twice()
    assert world.session().end_concluded
    return room


async def test_given_the_room_is_listed_again_then_the_session_is_reopened() -> None:
    world = PhoneWorld()
    room = await concluded(world)
    ended = world.session()
    world.livekit.open[ROOM] = room
    world.clock.advance(INTERVAL)

    done = await world.looks()

    session = world.session()
    assert done.repairs["session_reopened"] == 1
    assert session.id == ended.id
    assert session.status is SessionStatus.ACTIVE
    assert (session.ended_at, session.end_reason, session.end_concluded) == (None, None, False)
    assert [entry.what for entry in session.timeline][-2:] == ["ended", "reopened"]
    assert session.timeline[-1].at == world.clock.now()
    assert world.livekit.count("create") == 1
    assert world.agents() == [f"agent-{session.dispatch_id}"], "it was not taken for a late one"


async def test_given_its_agent_is_heard_of_then_it_is_not_taken_for_a_late_one() -> None:
    world = PhoneWorld()
    room = await concluded(world)
    del room.people["user-1"]
    world.livekit.open[ROOM] = room
    agent = world.agents()
    world.agent_joins(agent[0])
    await world.hears_all()
    assert world.agents() == agent
    await world.goes_on()
    assert world.session().status is SessionStatus.ACTIVE


async def test_given_the_agent_has_left_meanwhile_then_the_reopened_session_gets_another() -> None:
    world = PhoneWorld()
    room = await concluded(world)
    world.livekit.open[ROOM] = room
    world.livekit.agents_leave(ROOM)
    await world.goes_on(2)
    assert world.session().is_live
    assert world.livekit.count("create") == 2
    assert len(world.livekit.expected(ROOM)) == 1


async def test_given_a_session_that_never_saw_its_room_then_its_dispatch_tells_it() -> None:
    world = PhoneWorld()
    await world.start()
    world.livekit.open[ROOM].people["user-1"] = Participant("user-1", ParticipantKind.STANDARD)
    room = world.livekit.open.pop(ROOM)
    await world.looks_twice()
    assert world.session().end_concluded
    world.livekit.open[ROOM] = room
    [done] = await world.goes_on()
    assert done.repairs["session_reopened"] == 1
    assert world.session().is_live


async def test_given_the_room_of_a_call_is_listed_again_then_all_is_as_before() -> None:
    world = PhoneWorld()
    await served(world)
    session, call = world.session(), world.call(world.stays[0])
    had = loses_its_rooms(world)
    await world.looks_twice()
    assert kept(world) == 0
    world.livekit.open.update(had)

    [done] = await world.goes_on()

    assert done.repairs == {"session_reopened": 1, "call_reopened": 1}
    again = world.call(world.stays[0])
    assert (again.status, again.ended_at, again.duration) == (CallStatus.ACTIVE, None, None)
    assert again.session_id == call.session_id == world.session().id == session.id
    assert (world.livekit.count("create"), len(world.agents())) == (1, 1)
    await world.goes_on(3)
    assert kept(world) == 2


async def test_given_a_caller_is_listed_again_then_the_call_is_reopened() -> None:
    world = PhoneWorld()
    await served(world)
    people = world.livekit.open[ROOM].people
    caller = people.pop("sip_1")
    await world.looks_twice()
    assert not world.call(world.stays[0]).is_live
    people["sip_1"] = caller

    [done] = await world.goes_on()

    assert done.repairs["call_reopened"] == 1
    assert world.call(world.stays[0]).is_live
    assert world.livekit.count("create") == 1


async def test_given_a_webhook_said_that_the_caller_left_then_the_call_stays_ended() -> None:
    """LiveKit lists some a moment after they have left."""
    world = PhoneWorld()
    await served(world)
    caller = world.livekit.open[ROOM].people["sip_1"]
    world.leaves("sip_1")
    await world.hears_all()
    world.livekit.open[ROOM].people["sip_1"] = caller
    await world.goes_on(2)
    assert not world.call(world.stays[0]).is_live


async def test_given_another_instance_of_the_room_then_the_session_stays_ended() -> None:
    world = PhoneWorld()
    await concluded(world)
    world.user_joins()
    await world.goes_on(2)
    assert not world.session().is_live


async def test_given_the_room_has_a_new_session_then_the_old_one_stays_ended() -> None:
    world = PhoneWorld()
    room = await concluded(world)
    old = world.session()
    world.livekit.open[ROOM] = room
    await world.start()
    await world.goes_on(2)
    assert not world.storage.stored[old.id].is_live
    assert world.session().id != old.id
    assert world.session().agent_adopted
    assert world.livekit.count("create") == 1


async def test_given_a_caller_ended_the_session_then_it_is_never_reopened() -> None:
    world = PhoneWorld()
    await world.start()
    world.user_joins()
    room = world.livekit.open[ROOM]
    await world.end()
    world.livekit.open[ROOM] = room
    await world.goes_on(2)
    assert world.session().end_reason is EndReason.ENDED_BY_CALLER
