"""Which agents have no worker, judged by what became of their latest dispatches."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.access.access import SYSTEM
from domain.sessions.agent_status import AgentStatus
from domain.sessions.session_status import EndReason
from domain.sessions.start_session import StartSessionCommand
from domain.sessions.watch_workers import KNOWN_FOR, SERVED_FOR, WorkerChanges
from domain.shared.timeline import Source
from tests.unit.worlds.world import AGENT, GRACE, JOIN, MOMENT, ROOM, World

MISSING = WorkerChanges(frozenset({AGENT}), frozenset())
BACK = WorkerChanges(frozenset(), frozenset({AGENT}))
SAME = WorkerChanges(frozenset(), frozenset())


async def looked_after(world: World, room_name: str = ROOM) -> None:
    """The reconciler looks at the room's agent."""
    session = world.session(room_name)
    presence = await world.find_agent(session)
    await world.keep_agent.record(session, presence, Source.RECONCILER)


async def not_taken(world: World, room_name: str = ROOM) -> None:
    """A session is started, and no worker takes its job in time."""
    await world.start(room_name=room_name)
    world.clock.advance(GRACE + MOMENT)
    await looked_after(world, room_name)


async def taken(world: World, room_name: str) -> None:
    """A session is started, and its agent joins."""
    await world.start(room_name=room_name)
    world.livekit.agents_join(room_name)
    world.clock.advance(MOMENT)
    await looked_after(world, room_name)


async def status(world: World, room_name: str) -> AgentStatus:
    command = StartSessionCommand("user-2", room_name, access=SYSTEM)
    return (await world.start_session(command)).agent_status


async def test_given_nothing_is_known_then_the_agent_is_expected() -> None:
    world = World()

    assert await world.watch_workers.refresh() == SAME
    assert await status(world, "room-2") is AgentStatus.EXPECTED
    assert world.watch_workers.warning(AGENT) is None


async def test_given_a_job_was_not_taken_then_the_next_caller_is_told() -> None:
    world = World()
    await not_taken(world)

    assert await status(world, "room-2") is AgentStatus.EXPECTED  # until the ledger is looked at
    assert await world.watch_workers.refresh() == MISSING
    assert await world.watch_workers.refresh() == SAME
    assert await status(world, "room-3") is AgentStatus.NO_WORKER
    warning = world.watch_workers.warning(AGENT)
    assert warning is not None
    assert f"No worker named '{AGENT}' is registered" in warning


async def test_given_an_agent_joins_again_then_the_next_is_expected() -> None:
    world = World()
    await not_taken(world)
    await world.watch_workers.refresh()
    await taken(world, "room-2")

    assert await status(world, "room-2") is AgentStatus.JOINED
    assert await world.watch_workers.refresh() == BACK
    assert await status(world, "room-3") is AgentStatus.EXPECTED
    assert world.watch_workers.warning(AGENT) is None


async def test_given_an_agent_joined_a_moment_ago_then_one_dropped_job_says_nothing() -> None:
    world = World()
    await taken(world, "room-2")
    await not_taken(world)
    assert await world.watch_workers.refresh() == SAME

    world.clock.advance(SERVED_FOR)
    await not_taken(world, "room-3")

    assert await world.watch_workers.refresh() == MISSING


@pytest.mark.parametrize("ended", ["untaken", "taken"])
async def test_given_the_session_has_ended_then_it_tells_the_same(ended: str) -> None:
    world = World()
    await not_taken(world)
    await world.watch_workers.refresh()
    if ended == "taken":
        await taken(world, "room-2")
    name = ROOM if ended == "untaken" else "room-2"
    session = world.session(name)
    await world.ledger.save(session.ended(EndReason.ROOM_FINISHED, world.clock.now()))

    assert await world.watch_workers.refresh() == (SAME if ended == "untaken" else BACK)


async def test_given_a_worker_took_the_job_and_its_agent_never_joined_then_there_is_a_worker() -> (
    None
):
    world = World()
    await world.start()
    world.livekit.workers_accept(ROOM)
    world.clock.advance(JOIN + MOMENT)
    await looked_after(world)

    assert world.session().timeline[-1].what == "agent_never_joined"
    assert await world.watch_workers.refresh() == SAME


async def test_given_it_was_long_ago_then_it_says_nothing_and_no_worker_is_back() -> None:
    world = World()
    await not_taken(world)
    await world.watch_workers.refresh()
    world.clock.advance(KNOWN_FOR + timedelta(seconds=1))

    assert await world.watch_workers.refresh() == SAME
    assert world.watch_workers.warning(AGENT) is None


async def test_given_another_agent_has_no_worker_then_this_one_is_expected() -> None:
    world = World()
    await not_taken(world)
    await world.watch_workers.refresh()
    other = world.new_session("room-2").with_agent_dispatched("AD_1", world.clock.now())

    assert world.watch_workers.status_of(other) is AgentStatus.NO_WORKER
    object.__setattr__(other, "agent_name", "another")
    assert world.watch_workers.status_of(other) is AgentStatus.EXPECTED


async def test_given_no_dispatch_then_the_caller_is_told_so() -> None:
    world = World()

    assert world.watch_workers.status_of(world.new_session()) is AgentStatus.NOT_DISPATCHED


async def test_given_another_agent_without_a_worker_then_public_readiness_does_not_name_it() -> (
    None
):
    world = World()
    await not_taken(world)
    await world.watch_workers.refresh()

    assert world.watch_workers.warning("another") is None
