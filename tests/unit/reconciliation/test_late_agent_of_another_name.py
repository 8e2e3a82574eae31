"""An ended session's agent arrives in a room whose live session has an agent of another name."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.access import SYSTEM
from domain.sessions.late_agents import LATE_BY
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus
from domain.sessions.start_session import StartSessionCommand
from tests.examples import examples
from tests.unit.worlds.telephony import CALLER, PhoneWorld
from tests.unit.worlds.world import AGENT, MOMENT, ROOM

OTHER: Final = "support"
LATE: Final = "agent-AJ_late"
HOWS: Final = ["its webhook", "no webhook"]


async def start(world: PhoneWorld, agent_name: str) -> Session:
    """A session in the room whose agent has this name."""
    command = StartSessionCommand("user-1", ROOM, access=SYSTEM, agent_name=agent_name)
    session = (await world.start_session(command)).session
    await world.ledger.settled()
    return session


async def succeeded(world: PhoneWorld) -> tuple[Session, Session]:
    """A session that ended while its agent was on its way; its successor, with another agent."""
    first = await start(world, OTHER)
    await world.end()
    second = await start(world, AGENT)
    assert first.agent_name != second.agent_name
    return first, second


async def learns(world: PhoneWorld, how: str) -> None:
    """The service hears what LiveKit reports, or looks itself."""
    if how == "its webhook":
        await world.hears_all()
    else:
        await world.looks()


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("is_joined", [True, False])
async def test_given_a_live_session_then_the_late_agent_is_removed_and_concludes_nothing(
    how: str,
    is_joined: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    await succeeded(world)
    world.user_joins()
    if is_joined:
        world.agents_join()
    await world.hears_all()
    before = world.session()
    world.agent_joins(LATE, name=OTHER)

    await learns(world, how)

    assert LATE not in world.agents()
    after = world.session()
    assert after.id == before.id
    assert after.agent_identity == before.agent_identity != LATE
    assert [one.what for one in after.timeline] == [one.what for one in before.timeline]
    if not is_joined:
        assert after.status is SessionStatus.AGENT_DISPATCHED
        world.agents_join()
        await world.hears_all()
    assert world.agents() == [world.session().agent_identity]
    assert world.livekit.count("create") == 2


async def test_given_its_dispatch_is_listed_then_that_is_deleted_too() -> None:
    world = PhoneWorld()
    first, second = await succeeded(world)
    world.user_joins()
    await world.agent_comes_late(first)
    assert len(world.agents()) == 2

    await world.goes_on()

    assert world.agents() == [f"agent-{second.dispatch_id}"]
    assert [one.id for one in world.dispatches()] == [second.dispatch_id]


@pytest.mark.parametrize("how", HOWS)
async def test_an_agent_that_another_program_dispatched_is_left_alone(how: str) -> None:
    world = PhoneWorld()
    await succeeded(world)
    world.user_joins()
    theirs = world.livekit.dispatches_of_others(ROOM, OTHER)
    world.agents_join()

    await learns(world, how)

    assert theirs.agent in world.agents()
    assert theirs.id in [one.id for one in world.dispatches()]


async def test_given_another_programs_dispatch_without_a_job_yet_then_none_is_removed() -> None:
    world = PhoneWorld()
    await succeeded(world)
    world.user_joins()
    world.livekit.dispatches_of_others(ROOM, OTHER)
    world.agent_joins(LATE, name=OTHER)

    await world.hears_all()

    assert LATE in world.agents(), "LiveKit lists its job seconds later"


async def test_an_agent_whose_name_no_session_of_the_room_had_is_asked_nothing_about() -> None:
    world = PhoneWorld()
    await succeeded(world)
    world.user_joins()
    await world.hears_all()
    world.livekit.calls.clear()
    world.agent_joins("agent-x", name="assistant of another program")

    await world.hears(world.told[-1])
    await world.works_off()

    assert world.livekit.calls == []
    await world.goes_on(2)
    assert "agent-x" in world.agents()


@pytest.mark.parametrize(("after", "removed"), [(LATE_BY, True), (LATE_BY + MOMENT, False)])
async def test_an_agent_without_a_dispatch_is_late_only_for_a_while(
    after: timedelta,
    removed: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    await succeeded(world)
    world.user_joins()
    world.agents_join()
    await world.hears_all()
    world.clock.advance(after)
    world.agent_joins(LATE, name=OTHER)

    await world.hears(world.told[-1])
    await world.works_off()

    assert (LATE not in world.agents()) is removed


async def test_given_two_ended_sessions_then_the_earlier_ones_agent_is_late_too() -> None:
    world = PhoneWorld()
    await succeeded(world)
    await world.end()
    world.agent_joins(LATE, name=OTHER)

    await world.hears_all()

    assert ROOM not in world.livekit.open


@pytest.mark.parametrize("how", HOWS)
async def test_a_caller_gets_their_agent_though_an_earlier_sessions_is_in_the_room(
    how: str,
) -> None:
    world = PhoneWorld()
    await start(world, OTHER)
    await world.end()
    world.agent_joins(LATE, name=OTHER)
    leg = world.joins()

    await learns(world, how)
    await world.goes_on(2)

    assert world.call(leg).session_id == world.session().id
    world.agents_join()
    await world.hears_all()
    assert world.agents() == [world.session().agent_identity]
    assert CALLER in world.livekit.open[ROOM].people


async def test_a_caller_is_left_to_another_programs_agent_as_before() -> None:
    world = PhoneWorld()
    await start(world, OTHER)
    await world.end()
    world.agent_joins("agent-x", name="assistant of another program")
    leg = world.joins()

    await world.hears_all()
    await world.goes_on(2)

    assert world.call(leg).session_id is None
    assert world.agents() == ["agent-x"]


ACTIONS: Final = ["start", "start other", "end", "late", "agents join", "time", "look", "events"]


@examples(150)
@given(st.lists(st.sampled_from(ACTIONS), min_size=2, max_size=12), st.booleans())
async def test_whatever_happens_a_live_session_has_one_agent_of_its_own(
    actions: list[str],
    is_heard: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    for number, action in enumerate(["start", *actions, "start other"]):
        await perform(world, action, number)
    world.user_joins()
    if is_heard:
        await world.hears_all()
    await world.settles()
    await world.settles()

    session = world.session()
    assert session.is_live
    people = world.livekit.open[ROOM].people
    agents = [people[identity] for identity in world.agents()]
    assert [agent.agent_name for agent in agents] == [session.agent_name]
    assert session.agent_identity == agents[0].identity
    names = {
        event.participant.identity: event.participant.agent_name
        for event in world.reader.events
        if event.participant is not None
    }
    for one in world.storage.history:
        assert one.agent_identity is None or names[one.agent_identity] == one.agent_name


async def perform(world: PhoneWorld, action: str, number: int) -> None:
    match action:
        case "start" | "start other":
            await start(world, OTHER if action == "start other" else AGENT)
        case "end":
            if world.session().is_live:
                await world.end()
        case "late":
            ended = [one for one in world.storage.stored.values() if not one.is_live]
            for one in ended[-1:]:
                world.agent_joins(f"agent-{one.agent_name}-{number}", name=one.agent_name)
        case "agents join":
            world.agents_join()
        case "time":
            world.clock.advance(timedelta(seconds=3))
        case "look":
            await world.looks()
        case _:
            await world.hears_all()
