"""An end and a start of one room at once, in any order of their steps.

Only here is it said which of both wins in which order; test_any_history looks at the end alone.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.access.access import SYSTEM
from domain.sessions.start_session import StartedSession
from domain.shared.errors import NotFound, SessionEnded
from domain.shared.livekit_errors import LiveKitError
from tests.examples import examples
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import GRACE, LEASE, MOMENT, ROOM, World

MOST_STEPS = 40
SITUATIONS = ["empty", "live", "agent gone", "room closed", "ended"]


async def world_in(situation: str) -> World:
    world = World()
    if situation != "empty":
        await world.start("user-0")
    if situation == "agent gone":
        world.clock.advance(GRACE)
    if situation == "room closed":
        world.livekit.closes(ROOM)
    if situation == "ended":
        await world.end()
    return world


def consistent(world: World, outcomes: list[Any]) -> None:
    """No agent of an ended session, and a session that is live has its agent and its room."""
    for outcome in outcomes:
        assert outcome is None or isinstance(outcome, StartedSession | NotFound), outcome
    live = world.storage.live_in(ROOM)
    assert [d.id for d in world.dispatches()] == [s.dispatch_id for s in live]
    assert all(not s.claim.is_held(world.clock.now()) for s in live)


async def race(situation: str, choices: list[int]) -> None:
    world = await world_in(situation)
    outcomes = await world.steps.run([world.start(), world.end()], choices)
    consistent(world, outcomes)


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_with_the_end_at_any_step_of_the_start_room_and_ledger_agree(situation: str) -> None:
    for before in range(MOST_STEPS):
        await race(situation, [0] * before + [1] * MOST_STEPS)


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_with_the_start_at_any_step_of_the_end_room_and_ledger_agree(situation: str) -> None:
    for before in range(MOST_STEPS // 2):
        await race(situation, [1] * before + [0] * MOST_STEPS)


@examples(100)
@given(situation=st.sampled_from(SITUATIONS), choices=st.lists(st.integers(0, 1), max_size=60))
@example(situation="empty", choices=[0, 1] * 20)
def test_in_any_order_of_steps_room_and_ledger_agree(situation: str, choices: list[int]) -> None:
    asyncio.run(race(situation, choices))


@pytest.mark.parametrize("agent_joined", [True, False])
async def test_given_a_session_that_is_being_ended_then_nobody_joins_it(
    *, agent_joined: bool
) -> None:
    world = await world_in("live")
    ending = world.session()
    if agent_joined:
        world.livekit.agents_join(ROOM)
    pause = world.livekit.pause("delete_room")
    end = asyncio.create_task(world.end())
    await pause.reached.wait()
    start = asyncio.create_task(world.start())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not start.done()
    pause.resumed.set()
    await end
    started = (await start).session
    assert started.id != ending.id
    assert [d.id for d in world.dispatches()] == [started.dispatch_id]


async def test_given_an_end_after_the_lease_of_a_slow_start_then_its_agent_is_taken_back() -> None:
    world = World()
    pause = world.livekit.pause("create")
    slow = asyncio.create_task(world.start())
    await pause.reached.wait()
    world.clock.advance(LEASE)
    await world.end()
    pause.resumed.set()
    with pytest.raises(SessionEnded, match=ROOM):
        await slow
    assert world.dispatches() == []
    assert world.storage.live_in(ROOM) == []


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMED_OUT_BEFORE])
async def test_given_a_slow_start_that_fails_after_the_end_then_it_is_not_busy_with_itself(
    fault: Fault,
) -> None:
    """The session it made has ended: it may start another or say so, but not wait for nobody."""
    world = World()
    pause = world.livekit.pause("create")
    world.livekit.fail("create", fault)
    slow = asyncio.create_task(world.start())
    await pause.reached.wait()
    world.clock.advance(LEASE)
    await world.end()
    pause.resumed.set()
    (outcome,) = await asyncio.gather(slow, return_exceptions=True)
    assert isinstance(outcome, StartedSession | SessionEnded | LiveKitError)
    assert len(world.dispatches()) == len(world.storage.live_in(ROOM))


async def test_given_a_start_that_lost_its_room_then_it_makes_another_session() -> None:
    """Its claim expired, another start found its dispatch, and then the room closed."""
    world = World()
    pause = world.livekit.pause("create", after_applying=True)
    slow = asyncio.create_task(world.start("user-1"))
    await pause.reached.wait()
    world.clock.advance(LEASE)
    assert (await world.start("user-2")).session.dispatch_id == world.dispatches()[0].id
    world.clock.advance(GRACE)
    await world.start("user-3")
    world.livekit.closes(ROOM)
    pause.resumed.set()
    assert (await slow).session.is_live
    assert len(world.dispatches()) == 1


async def start_and_end(world: World) -> None:
    world.clock.advance(MOMENT)
    await world.start("user-2")
    await world.end()


async def test_given_a_request_older_than_the_last_sessions_then_its_session_can_be_ended() -> None:
    """It came first but its session was stored after another one had begun and ended."""
    world = World()
    slow, other = await world.steps.run(
        [world.start("user-1"), start_and_end(world)], [0, *[1] * MOST_STEPS]
    )
    assert other is None
    assert isinstance(slow, StartedSession)
    assert (await world.read_sessions.by_room(ROOM, SYSTEM)).id == slow.session.id
    await world.end()
    assert world.storage.live_in(ROOM) == []
