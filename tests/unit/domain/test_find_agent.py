"""Where LiveKit says that a session's agent is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from domain.use_cases.locate_agent import Whereabouts

from domain.errors import LiveKitError
from domain.room import Participant, ParticipantKind
from domain.session import Session
from tests.unit.domain.fake_livekit import Fault, ListedDispatch
from tests.unit.domain.world import AGENT, GRACE, MOMENT, ROOM, World


async def dispatched(world: World) -> Session:
    return (await world.start()).session


def comes(world: World, kind: ParticipantKind, agent_name: str | None = None) -> None:
    """Somebody of that kind is in the room."""
    world.livekit.open[ROOM].people["who"] = Participant("who", kind, agent_name)


async def where(world: World, session: Session) -> Whereabouts:
    """Where the agent is; the room that is told is the one that is there."""
    located = await world.locate_agent(session)
    there = world.livekit.open.get(ROOM)
    assert (located.room.sid if located.room else None) == (there.sid if there else None)
    return located.whereabouts


async def test_given_it_says_its_name_then_it_is_in_the_room() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.agents_join(ROOM)
    assert await where(world, session) is Whereabouts.IN_ROOM


async def test_given_it_says_no_name_then_its_job_tells_that_it_is_in_the_room() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.agents_say_their_name = False
    world.livekit.agents_join(ROOM)
    assert await where(world, session) is Whereabouts.IN_ROOM


@pytest.mark.parametrize(
    ("kind", "agent_name"),
    [
        (ParticipantKind.STANDARD, None),
        (ParticipantKind.STANDARD, AGENT),
        (ParticipantKind.SIP, None),
        (ParticipantKind.AGENT, None),
        (ParticipantKind.AGENT, "another"),
    ],
)
async def test_given_only_others_in_the_room_then_it_is_not(
    kind: ParticipantKind, agent_name: str | None
) -> None:
    world = World()
    session = await dispatched(world)
    comes(world, kind, agent_name)
    world.clock.advance(GRACE)
    assert await where(world, session) is Whereabouts.GONE


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(0), Whereabouts.ON_ITS_WAY),
        (GRACE - MOMENT, Whereabouts.ON_ITS_WAY),
        (GRACE, Whereabouts.GONE),
    ],
)
async def test_given_a_dispatch_nobody_took_then_it_is_on_its_way_for_the_grace(
    after: timedelta, expected: Whereabouts
) -> None:
    world = World()
    session = await dispatched(world)
    world.clock.advance(after)
    assert await where(world, session) is expected


async def test_given_its_dispatch_is_no_longer_listed_then_it_is_gone_at_once() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.open[ROOM].dispatches.clear()
    assert await where(world, session) is Whereabouts.GONE


async def test_given_only_dispatches_of_others_then_it_is_gone() -> None:
    world = World()
    session = await dispatched(world)
    other = ListedDispatch("AD_x", AGENT, '{"session_id": "another"}', agent="agent-x")
    server = ListedDispatch("AD_y", "", session.metadata())
    world.livekit.open[ROOM].dispatches = {"AD_x": other, "AD_y": server}
    world.livekit.open[ROOM].people["agent-x"] = Participant("agent-x", ParticipantKind.AGENT)
    assert await where(world, session) is Whereabouts.GONE


async def test_given_it_was_seen_and_has_left_then_it_is_gone_within_the_grace_too() -> None:
    world = World()
    session = await dispatched(world)
    active = session.activated(world.livekit.open[ROOM].sid, world.clock.now())
    assert await where(world, active) is Whereabouts.GONE


async def test_given_a_failed_dispatch_that_is_listed_then_it_is_not_on_its_way() -> None:
    world = World()
    session = (await dispatched(world)).with_dispatch_failed(world.clock.now(), uncertain=True)
    assert await where(world, session) is Whereabouts.GONE


async def test_given_no_room_any_more_then_the_room_is_closed() -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.closes(ROOM)
    assert await where(world, session) is Whereabouts.ROOM_CLOSED


async def test_given_no_room_where_none_was_seen_then_the_agent_is_gone() -> None:
    world = World()
    session = world.new_session().with_dispatch_failed(world.clock.now(), uncertain=True)
    assert await where(world, session) is Whereabouts.GONE


async def test_given_another_instance_of_the_room_then_the_sessions_is_closed() -> None:
    world = World()
    session = (await dispatched(world)).activated(world.livekit.open[ROOM].sid, world.clock.now())
    world.livekit.closes(ROOM)
    world.livekit.opens(ROOM)
    assert await where(world, session) is Whereabouts.ROOM_CLOSED


async def test_given_another_instance_with_an_agent_of_ours_then_it_is_closed_all_the_same() -> (
    None
):
    world = World()
    session = (await dispatched(world)).activated(world.livekit.open[ROOM].sid, world.clock.now())
    world.livekit.closes(ROOM)
    world.livekit.opens(ROOM)
    comes(world, ParticipantKind.AGENT, AGENT)
    assert await where(world, session) is Whereabouts.ROOM_CLOSED


@pytest.mark.parametrize("question", ["find", "participants", "list"])
async def test_given_no_answer_then_it_does_not_guess(question: str) -> None:
    world = World()
    session = await dispatched(world)
    world.livekit.fail(question, Fault.UNREACHABLE)
    with pytest.raises(LiveKitError):
        await world.locate_agent(session)


async def test_nothing_is_changed() -> None:
    world = World()
    session = await dispatched(world)
    stored, listed = dict(world.storage.stored), world.dispatches()
    world.clock.advance(GRACE)
    await world.locate_agent(session)
    assert (world.storage.stored, world.dispatches()) == (stored, listed)
