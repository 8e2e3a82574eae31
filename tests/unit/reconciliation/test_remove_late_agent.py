"""An agent that arrives after its session has ended is removed with the room that it reopened."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.rooms.room import Participant, ParticipantKind
from domain.sessions.late_agents import LATE_BY
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.start_session import StartSessionCommand
from domain.shared.errors import Conflict
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld
from tests.unit.worlds.world import AGENT, MOMENT, ROOM

LATE = "agent-AJ_late"


async def ended(world: PhoneWorld) -> None:
    """A session that was ended while its agent was on its way."""
    await world.start()
    await world.end()


async def late(world: PhoneWorld) -> None:
    """The same, and its agent has come: the worker's join made a new room without a dispatch."""
    await ended(world)
    world.agent_joins(LATE)


async def removes(world: PhoneWorld) -> bool:
    return await world.remove_late_agent(world.livekit.open[ROOM].told(ROOM))


# How it comes


async def test_given_its_webhook_then_it_is_removed_at_once() -> None:
    world = PhoneWorld()
    await late(world)
    await world.hears_all()
    assert ROOM not in world.livekit.open
    assert world.session().end_reason is EndReason.ENDED_BY_CALLER


async def test_given_no_webhook_then_it_is_removed_within_an_interval() -> None:
    world = PhoneWorld()
    await late(world)
    [done] = await world.goes_on()
    assert done.repairs == {"late_agent_removed": 1}
    assert ROOM not in world.livekit.open
    [done] = await world.goes_on()
    assert done.repairs == {}


@pytest.mark.parametrize("how", ["ended by its caller", "its room closed", "the caller hung up"])
async def test_however_the_session_ended_a_dispatch_that_lands_late_is_removed(how: str) -> None:
    world = PhoneWorld()
    if how == "the caller hung up":
        world.joins()
        await world.hears_all()
        world.leaves()
    else:
        await world.start()
    if how == "ended by its caller":
        await world.end()
    world.closes()
    await world.hears_all()
    session = world.session()
    assert not session.is_live
    await world.agent_comes_late(session)
    assert world.agents() != []

    await world.goes_on()

    assert ROOM not in world.livekit.open
    assert world.storage.stored[session.id] == session.stored().stored()


async def test_a_dispatch_whose_agent_has_not_come_yet_is_deleted_with_the_room() -> None:
    world = PhoneWorld()
    await ended(world)
    session = world.session()
    await world.dispatch_agent.dispatcher.create(
        session.room_name, session.agent_name, session.metadata()
    )
    assert await removes(world)
    assert ROOM not in world.livekit.open


async def test_an_agent_of_an_earlier_session_of_the_room_is_late_too() -> None:
    world = PhoneWorld()
    await ended(world)
    earlier = world.session()
    world.clock.advance(LATE_BY)
    await ended(world)
    world.clock.advance(LATE_BY + MOMENT)
    await world.agent_comes_late(earlier)
    assert await removes(world)
    assert ROOM not in world.livekit.open


@pytest.mark.parametrize(
    ("after", "removed"), [(LATE_BY, True), (LATE_BY + MOMENT, False), (timedelta(days=1), False)]
)
async def test_an_agent_without_a_dispatch_is_late_only_for_a_while(
    after: timedelta,
    removed: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    await ended(world)
    world.clock.advance(after)
    world.agent_joins(LATE)
    assert await removes(world) is removed
    assert (ROOM not in world.livekit.open) is removed


async def test_an_agent_whose_dispatch_names_an_ended_session_is_late_for_ever() -> None:
    world = PhoneWorld()
    await ended(world)
    world.clock.advance(timedelta(days=1))
    await world.agent_comes_late(world.session())
    assert await removes(world)
    assert ROOM not in world.livekit.open


# What is left alone


@pytest.mark.parametrize("kind", [ParticipantKind.STANDARD, ParticipantKind.SIP])
async def test_given_a_person_in_the_room_then_it_is_left_alone(kind: ParticipantKind) -> None:
    world = PhoneWorld()
    await late(world)
    world.livekit.open[ROOM].people["user-1"] = Participant("user-1", kind)
    ended = world.session()
    assert not await removes(world)
    assert world.agents() == [LATE]
    assert world.session() == ended, "the room is not held either"


async def test_given_something_else_in_the_room_then_only_the_agent_is_removed() -> None:
    world = PhoneWorld()
    await late(world)
    people = world.livekit.open[ROOM].people
    people["EG_1"] = Participant("EG_1", ParticipantKind.EGRESS)
    world.agent_joins("agent-other", name="another")
    assert await removes(world)
    assert set(people) == {"EG_1", "agent-other"}
    assert ROOM in world.livekit.open


async def test_an_agent_of_another_name_is_left_alone() -> None:
    world = PhoneWorld()
    await ended(world)
    world.agent_joins("agent-other", name="another")
    assert not await removes(world)
    await world.goes_on(2)
    assert world.agents() == ["agent-other"]


@pytest.mark.parametrize("job_is_listed", [True, False])
async def test_the_agent_of_another_programs_dispatch_is_left_alone(
    job_is_listed: bool,  # noqa: FBT001
) -> None:
    """LiveKit lists a job some seconds after its agent has joined."""
    world = PhoneWorld()
    await ended(world)
    dispatch = world.livekit.dispatches_of_others(ROOM, AGENT)
    world.livekit.agents_join(ROOM)
    if not job_is_listed:
        dispatch.agent = None
    before = world.agents()
    assert not await removes(world)
    await world.goes_on(2)
    assert world.agents() == before != []
    assert [one.id for one in world.dispatches()] == [dispatch.id]


async def test_the_agent_of_another_program_stays_while_a_late_one_is_removed() -> None:
    world = PhoneWorld()
    await ended(world)
    others = world.livekit.dispatches_of_others(ROOM, AGENT)
    await world.agent_comes_late(world.session())
    assert await removes(world)
    assert world.agents() == [others.agent]
    assert [one.id for one in world.dispatches()] == [others.id]


async def test_a_room_that_never_had_a_session_is_left_alone() -> None:
    world = PhoneWorld()
    world.agent_joins(LATE)
    assert not await removes(world)
    await world.goes_on(2)
    assert world.agents() == [LATE]


async def test_a_room_with_a_live_session_is_left_alone() -> None:
    world = PhoneWorld()
    await world.start()
    world.agents_join()
    assert not await removes(world)
    assert len(world.agents()) == 1


async def test_given_another_instance_of_the_room_meanwhile_then_it_is_left_alone() -> None:
    world = PhoneWorld()
    await late(world)
    room = world.livekit.open[ROOM].told(ROOM)
    world.livekit.closes(ROOM)
    world.agent_joins("agent-2")
    assert not await world.remove_late_agent(room)
    assert world.agents() == ["agent-2"]


async def test_given_a_room_that_closed_meanwhile_then_there_is_nothing_to_do() -> None:
    world = PhoneWorld()
    await late(world)
    room = world.livekit.open[ROOM].told(ROOM)
    world.livekit.closes(ROOM)
    assert not await world.remove_late_agent(room)


# Who comes meanwhile


async def test_given_the_user_returns_meanwhile_then_there_is_exactly_one_agent() -> None:
    world = PhoneWorld()
    await late(world)
    await world.start()
    world.user_joins()
    await world.hears_all()
    await world.goes_on(3)
    assert world.agents() == [LATE], "it was adopted"
    assert world.session().agent_adopted
    assert world.livekit.count("create") == 1


async def test_given_the_user_joins_during_the_removal_then_the_room_stays() -> None:
    world = PhoneWorld()
    await late(world)
    pause = world.livekit.pause("list")

    async def joins() -> None:
        await pause.reached.wait()
        world.user_joins()
        pause.resumed.set()

    removed, _ = await asyncio.gather(removes(world), joins())
    assert not removed
    assert ROOM in world.livekit.open


async def test_given_a_session_begins_during_the_removal_then_it_loses_no_room() -> None:
    world = PhoneWorld()
    await late(world)
    pause = world.livekit.pause("delete_room")
    removing = asyncio.create_task(removes(world))
    await pause.reached.wait()
    access = Access(tenant=None, scopes=WORK, sees_unowned=True)
    command = StartSessionCommand("user-1", ROOM, None, access=access)
    starting = asyncio.create_task(world.start_session(command))
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.livekit.count("create") == 1, "it waits for the removal"
    pause.resumed.set()
    assert await removing
    started = await starting
    await world.ledger.settled()
    world.livekit.agents_join(ROOM)
    assert world.session().id == started.session.id
    assert len(world.agents()) == 1


async def test_given_a_session_began_before_the_removal_then_that_is_given_up() -> None:
    world = PhoneWorld()
    await late(world)
    pause = world.livekit.pause("list", after_applying=True)
    removing = asyncio.create_task(removes(world))
    await pause.reached.wait()
    await world.start()
    pause.resumed.set()
    with pytest.raises(Conflict):
        await removing
    assert world.agents() == [LATE]
    assert world.session().is_live


# Sessions with different agents


async def earlier_session(world: PhoneWorld) -> Session:
    """A session with a saved agent; it has ended, as has the default agent's after it."""
    agent = await world.manage_agents.create({"name": "a", "agentName": "support"}, SYSTEM)
    command = StartSessionCommand("user-1", ROOM, access=SYSTEM, agent=str(agent.id))
    earlier = (await world.start_session(command)).session
    await world.ledger.settled()
    await world.end()
    await ended(world)
    return earlier


@pytest.mark.parametrize("joins", [True, False])
async def test_given_another_agent_since_then_a_late_dispatch_of_the_earlier_one_is_removed_too(
    joins: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    earlier = await earlier_session(world)
    await world.dispatch_agent.dispatcher.create(
        earlier.room_name, earlier.agent_name, earlier.metadata()
    )
    if joins:
        world.agents_join()

    await world.goes_on(2)

    assert ROOM not in world.livekit.open


async def test_given_a_dispatch_of_another_program_then_it_is_left_alone() -> None:
    world = PhoneWorld()
    await earlier_session(world)
    world.livekit.dispatches_of_others(ROOM, "support")
    world.agents_join()

    await world.goes_on(2)

    assert len(world.agents()) == 1


# LiveKit fails


@pytest.mark.parametrize("operation", ["find", "participants", "list", "delete_room"])
async def test_given_livekit_fails_then_the_next_look_removes_it(operation: str) -> None:
    world = PhoneWorld()
    await late(world)
    before = world.session()
    world.livekit.fail(operation, Fault.UNREACHABLE)
    with pytest.raises(LiveKitError):
        await removes(world)
    assert not world.session().is_live
    assert world.session() == before or world.session().version == before.version + 2
    world.clock.advance(INTERVAL)
    assert await removes(world)
    assert ROOM not in world.livekit.open
