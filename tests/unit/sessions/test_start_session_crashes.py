"""A process that dies at any step of a start leaves nothing that the next start can't settle."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.steps import Crashed
from tests.unit.worlds.world import GRACE, LEASE, MOMENT, ROOM, World

MOST_STEPS = 60


async def nothing(_world: World) -> None:
    """An empty room."""


async def agent_gone(world: World) -> None:
    """A session whose agent was seen and has left."""
    await world.start()
    world.livekit.agents_join(ROOM)
    await world.start()
    world.livekit.agents_leave(ROOM)


async def job_not_taken(world: World) -> None:
    """A session whose dispatch no worker took."""
    await world.start()
    world.clock.advance(GRACE)


async def room_closed(world: World) -> None:
    """A session whose room is no more."""
    await world.start()
    world.livekit.closes(ROOM)


async def a_lost_answer(world: World) -> None:
    """LiveKit will answer the next dispatch with a 5xx, having made it."""
    world.livekit.fail("create", Fault.UNCERTAIN_AFTER)


async def a_5xx(world: World) -> None:
    """LiveKit will answer the next dispatch with a 5xx, having made nothing."""
    world.livekit.fail("create", Fault.UNCERTAIN_BEFORE)


async def crash_after(world: World, steps: int) -> bool:
    """Start, and die at that step; False if the start was through before."""
    (outcome,) = await world.steps.run([world.start()], [0] * steps + [~0])
    return isinstance(outcome, Crashed)


@pytest.mark.parametrize("before", [nothing, agent_gone, job_not_taken, room_closed, a_5xx])
@pytest.mark.parametrize("agent_joins", [False, True])
async def test_given_a_crash_at_any_step_then_the_next_start_leaves_one_agent(
    before: Callable[[World], Awaitable[None]], *, agent_joins: bool
) -> None:
    for steps in range(MOST_STEPS):
        world = World()
        await before(world)
        crashed = await crash_after(world, steps)
        if agent_joins:
            world.livekit.agents_join(ROOM)
        world.livekit.recover()
        world.clock.advance(LEASE)
        await world.start("user-2")
        assert len(world.livekit.expected(ROOM)) == 1, steps
        assert len(world.dispatches()) == 1, steps
        assert len(world.storage.live_in(ROOM)) == 1, steps
        if not crashed:
            assert steps > 4, "the start was not crashed at all"
            return
    pytest.fail("more steps than expected: some were not tried")


async def test_given_a_crash_at_any_step_after_a_lost_answer_then_there_is_one_agent() -> None:
    await test_given_a_crash_at_any_step_then_the_next_start_leaves_one_agent(
        a_lost_answer, agent_joins=False
    )


async def test_given_a_crash_then_a_start_within_the_lease_waits_for_its_end() -> None:
    world = World()
    assert await crash_after(world, 7)
    assert world.session().claim.is_held(world.clock.now())
    began = world.clock.now()
    started = await world.start("user-2")
    assert world.clock.now() >= began + LEASE - MOMENT
    assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]


async def test_given_two_crashes_at_any_two_steps_then_the_third_start_leaves_one_agent() -> None:
    for first in range(MOST_STEPS):
        for second in range(MOST_STEPS):
            world = World()
            one = await crash_after(world, first)
            world.clock.advance(LEASE)
            two = await crash_after(world, second)
            world.clock.advance(LEASE)
            started = await world.start()
            assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]
            if not two:
                break
        if not one:
            return
    pytest.fail("more steps than expected: some were not tried")


async def test_given_a_crash_at_any_step_of_an_end_then_the_room_can_be_ended_and_started() -> None:
    for steps in range(MOST_STEPS):
        for then_end in (True, False):
            world = World()
            started = await world.start()
            (outcome,) = await world.steps.run([world.end()], [0] * steps + [~0])
            world.clock.advance(LEASE)
            if then_end:
                await world.end()
                assert world.storage.live_in(ROOM) == []
                assert ROOM not in world.livekit.open
            again = await world.start()
            assert len(world.dispatches()) == 1
            assert [s.id for s in world.storage.live_in(ROOM)] == [again.session.id]
            assert then_end is False or again.session.id != started.session.id
        if not isinstance(outcome, Crashed):
            assert steps > 4
            return
    pytest.fail("more steps than expected: some were not tried")
