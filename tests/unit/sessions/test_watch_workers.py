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


# Saved agents, beside a busy default agent


async def start_support(world: World, room_name: str) -> None:
    agent = await world.saved_agents.page(None, 1, SYSTEM)
    if not agent:
        await world.manage_agents.create({"name": "a", "agentName": "support"}, SYSTEM)
        agent = await world.saved_agents.page(None, 1, SYSTEM)
    command = StartSessionCommand("user-1", room_name, access=SYSTEM, agent=str(agent[0].id))
    await world.start_session(command)
    await world.ledger.settled()


async def many_taken(world: World) -> None:
    """The default agent serves many sessions, which are the newest of each status."""
    for _ in range(8):
        await taken(world, world.livekit.new_id("busy"))
        name = world.livekit.new_id("over")
        await taken(world, name)
        session = world.session(name)
        await world.ledger.save(session.ended(EndReason.ROOM_FINISHED, world.clock.now()))


async def test_given_a_saved_agent_without_a_worker_then_its_name_is_said_and_no_others() -> None:
    world = World()
    await start_support(world, ROOM)
    world.clock.advance(GRACE + MOMENT)
    await looked_after(world)
    await many_taken(world)

    changes = await world.watch_workers.refresh()

    assert changes == WorkerChanges(frozenset({"support"}), frozenset())
    assert not world.watch_workers.is_missing(AGENT)
    warning = world.watch_workers.warning("support")
    assert warning is not None
    assert "No worker named 'support' is registered" in warning
    await start_support(world, "room-2")
    assert world.watch_workers.status_of(world.session("room-2")) is AgentStatus.NO_WORKER


async def test_given_many_sessions_of_others_since_then_it_is_known_for_as_long() -> None:
    world = World()
    await start_support(world, ROOM)
    world.clock.advance(GRACE + MOMENT)
    await looked_after(world)
    await world.watch_workers.refresh()
    for number in range(8):  # other agents without a worker
        await world.start_session(
            StartSessionCommand(
                "user-1", f"others-{number}", access=SYSTEM, agent_name=f"other-{number}"
            )
        )
    await world.ledger.settled()
    world.clock.advance(GRACE + MOMENT)
    for number in range(8):
        await looked_after(world, f"others-{number}")

    await world.watch_workers.refresh()

    assert world.watch_workers.is_missing("support")
    assert world.watch_workers.is_missing("other-7")
    assert await world.watch_workers.refresh() == SAME, "nothing is logged again"
    world.clock.advance(KNOWN_FOR + MOMENT)
    await world.watch_workers.refresh()
    assert not world.watch_workers.is_missing("support")


@pytest.mark.parametrize("served", ["the one that waited", "the next one"])
async def test_given_its_worker_is_back_among_many_others_then_that_is_seen(served: str) -> None:
    world = World()
    await start_support(world, ROOM)
    world.clock.advance(GRACE + MOMENT)
    await looked_after(world)
    await world.watch_workers.refresh()
    room_name = ROOM
    if served == "the next one":
        room_name = "room-2"
        await start_support(world, room_name)
        assert world.watch_workers.status_of(world.session(room_name)) is AgentStatus.NO_WORKER
    else:
        await start_support(world, room_name)  # which dispatches again
    world.livekit.agents_join(room_name)
    world.clock.advance(MOMENT)
    await looked_after(world, room_name)
    await many_taken(world)

    changes = await world.watch_workers.refresh()

    assert changes == WorkerChanges(frozenset(), frozenset({"support"}))
    assert world.watch_workers.warning("support") is None


async def test_given_another_agent_without_a_worker_then_public_readiness_does_not_name_it() -> (
    None
):
    world = World()
    await not_taken(world)
    await world.watch_workers.refresh()

    assert world.watch_workers.warning("another") is None
