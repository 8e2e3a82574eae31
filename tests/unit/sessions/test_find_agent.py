"""What LiveKit is asked to find a session's agent, and what its answers say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from domain.rooms.room import Participant, ParticipantKind
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.room_contents import RoomContents
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import AGENT, GRACE, JOIN, MOMENT, ROOM, World

CLOSED = EndReason.ROOM_FINISHED


async def dispatched(world: World) -> Session:
    return (await world.start()).session


async def served(world: World) -> Session:
    """A session whose agent was seen in the room."""
    session = await dispatched(world)
    world.livekit.agents_join(ROOM)
    agent = SeenAgent(identity=f"agent-{session.dispatch_id}")
    return session.activated(world.livekit.open[ROOM].sid, world.clock.now(), agent)


def comes(world: World, identity: str, agent_name: str | None = AGENT) -> None:
    """An agent is in the room."""
    agent = Participant(identity, ParticipantKind.AGENT, agent_name)
    world.livekit.open[ROOM].people[identity] = agent


async def find(
    world: World, session: Session, left: Sequence[str] = (), *, thorough: bool = False
) -> AgentPresence:
    """What is found; the room that is told is the one that is there."""
    world.livekit.calls.clear()
    found = await world.find_agent(session, left, thorough=thorough)
    there = world.livekit.open.get(ROOM)
    assert (found.room.sid if found.room else None) == (there.sid if there else None)
    return found


async def state(world: World, session: Session, left: Sequence[str] = ()) -> AgentState:
    return (await find(world, session, left)).state


async def test_given_it_says_its_name_then_it_is_in_the_room_and_dispatches_are_not_listed() -> (
    None
):
    world = World()
    session = await dispatched(world)
    world.livekit.agents_join(ROOM)
    assert await state(world, session) is AgentState.IN_ROOM
    assert world.livekit.calls == ["find", "participants"]


@pytest.mark.parametrize("reason", ["thorough", "nameless", "two", "unsettled"])
async def test_given_a_reason_then_dispatches_are_listed_too(reason: str) -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.agents_say_their_name = reason != "nameless"
    world.livekit.agents_join(ROOM)
    if reason == "two":
        comes(world, "agent-2")
    if reason == "unsettled":
        session = session.with_dispatch_failed(world.clock.now(), uncertain=True)
    found = await find(world, session, thorough=reason == "thorough")
    assert world.livekit.calls == ["find", "participants", "list"]
    assert found.state is AgentState.IN_ROOM
    assert found.dispatch_id == session.dispatch_id
    assert found.surplus_agents == (("agent-2",) if reason == "two" else ())


async def test_given_a_dispatch_that_no_worker_took_then_it_is_waited_for_a_moment() -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(GRACE - MOMENT)
    assert await state(world, session) is AgentState.WAITING
    world.clock.advance(MOMENT)
    assert await state(world, session) is AgentState.NOT_TAKEN


async def test_given_a_worker_that_runs_the_job_then_it_is_waited_for_longer() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.workers_accept(ROOM)
    world.clock.advance(JOIN - MOMENT)
    assert await state(world, session) is AgentState.JOINING
    world.clock.advance(MOMENT)
    assert await state(world, session) is AgentState.NEVER_JOINED


async def test_given_a_webhook_said_that_it_left_then_its_job_is_not_waited_for() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.agents_join(ROOM)
    world.livekit.agents_leave(ROOM)
    assert await state(world, session) is AgentState.JOINING, "the job is listed as running"
    assert await state(world, session, [f"agent-{session.dispatch_id}"]) is (
        AgentState.NEVER_JOINED
    )


async def test_given_its_dispatch_is_no_longer_listed_then_it_is_absent_at_once() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.open[ROOM].dispatches.clear()
    assert await state(world, session) is AgentState.ABSENT


async def test_given_it_was_seen_and_has_left_then_it_has_left() -> None:
    world = World()
    session = await served(world)
    world.livekit.agents_leave(ROOM)
    assert await state(world, session) is AgentState.LEFT


# The room


async def test_given_no_room_any_more_then_the_room_is_closed() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.closes(ROOM)
    assert await state(world, session) is AgentState.ROOM_CLOSED
    assert world.livekit.calls == ["find"]


async def test_given_no_room_where_none_was_seen_then_the_agent_is_absent() -> None:
    world = World()
    session = world.new_session().with_dispatch_failed(world.clock.now(), uncertain=True)
    assert await state(world, session) is AgentState.ABSENT


@pytest.mark.parametrize("agent_name", [None, AGENT, "another"])
async def test_given_another_instance_of_the_room_then_the_sessions_is_closed(
    agent_name: str | None,
) -> None:
    world = World()
    session = await served(world)
    world.livekit.closes(ROOM)
    world.livekit.opens(ROOM)
    if agent_name:
        world.livekit.dispatches_of_others(ROOM, agent_name)
        world.livekit.agents_join(ROOM)
    assert await state(world, session) is AgentState.ROOM_CLOSED


async def test_given_another_instance_that_its_own_dispatch_opened_then_it_is_there() -> None:
    world = World()
    session = await served(world)
    world.livekit.closes(ROOM)
    await world.agent_comes_late(session)
    found = await find(world, session)
    assert found.state is AgentState.IN_ROOM
    assert [found.dispatch_id] == [one.id for one in world.dispatches()]
    assert not found.adopted


# What a room contains


async def test_the_contents_of_a_room_are_its_participants_and_dispatches() -> None:
    world = World()
    session = await served(world)
    contents = await world.find_agent.contents(session.room_name)
    assert contents is not None
    assert contents.room.sid == session.room_sid
    assert [one.identity for one in contents.participants] == [session.agent_identity]
    assert contents.dispatches is not None
    assert [one.id for one in contents.dispatches] == [session.dispatch_id]


async def test_a_room_that_does_not_exist_has_no_contents_and_is_asked_about_once() -> None:
    world = World()
    assert await world.find_agent.contents(RoomName(ROOM)) is None
    assert world.livekit.calls == ["find"]


async def test_given_the_participants_were_just_listed_then_they_are_not_asked_for_again() -> None:
    world = World()
    session = await served(world)
    room = world.livekit.open[ROOM]
    contents = RoomContents(room=room.told(ROOM), participants=[*room.people.values()])
    world.livekit.calls.clear()
    assert (await world.find_agent.judge(session, contents)).state is AgentState.IN_ROOM
    assert world.livekit.calls == []


# Whether an end was concluded too early


async def test_an_end_that_was_concluded_of_a_room_that_is_there_came_too_early() -> None:
    world = World()
    session = await served(world)
    room = world.livekit.open[ROOM].told(ROOM)
    ended = session.ended(CLOSED, world.clock.now(), concluded=True)
    assert await world.find_agent.was_concluded_early(ended, room)


@pytest.mark.parametrize("why", ["live", "told", "another instance"])
async def test_no_other_end_came_too_early(why: str) -> None:
    world = World()
    session = await served(world)
    ended = session.ended(CLOSED, world.clock.now(), concluded=why != "told")
    if why == "another instance":
        world.livekit.closes(ROOM)
    room = world.livekit.opens(ROOM).told(ROOM)
    session = session if why == "live" else ended
    assert not await world.find_agent.was_concluded_early(session, room)


@pytest.mark.parametrize("its_own", [False, True])
async def test_the_room_of_a_session_that_never_saw_it_is_told_by_its_dispatch(
    its_own: bool,  # noqa: FBT001
) -> None:
    world = World()
    session = await dispatched(world)
    ended = session.ended(CLOSED, world.clock.now(), concluded=True)
    if not its_own:
        world.livekit.closes(ROOM)
        world.livekit.dispatches_of_others(ROOM, AGENT)
    room = world.livekit.open[ROOM].told(ROOM)
    assert await world.find_agent.was_concluded_early(ended, room) is its_own


# No answer


@pytest.mark.parametrize("question", ["find", "participants", "list"])
async def test_given_no_answer_then_it_does_not_guess(question: str) -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.fail(question, Fault.UNREACHABLE)
    with pytest.raises(LiveKitError):
        await world.find_agent(session)
    world.livekit.fail(question, Fault.UNREACHABLE)
    with pytest.raises(LiveKitError):
        await world.find_agent.contents(session.room_name)


@pytest.mark.parametrize("after", [timedelta(), GRACE])
async def test_nothing_is_changed(after: timedelta) -> None:
    world = World()
    session = await dispatched(world)
    stored, listed = dict(world.storage.stored), world.dispatches()
    world.clock.advance(after)
    await world.find_agent(session, thorough=True)
    assert (world.storage.stored, world.dispatches()) == (stored, listed)
