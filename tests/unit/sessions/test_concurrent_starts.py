"""Many starts of one room at once.

Only here are there as many as 64, and every fault meets each step of their first.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sessions.start_session import StartedSession
from domain.shared.errors import SessionBusy
from domain.shared.livekit_errors import LiveKitError
from tests.examples import examples
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import GRACE, LEASE, ROOM, World

FAULTS = [None, *(fault for fault in Fault if fault is not Fault.TIMED_OUT_LATE)]
MANY = 64


async def many_starts(world: World, number: int = MANY) -> list[Any]:
    return await asyncio.gather(
        *(world.start(f"user-{n}") for n in range(number)), return_exceptions=True
    )


def one_session(world: World, outcomes: list[Any], errors: int = 0) -> None:
    """All but ``errors`` of them are in the one live session, whose one agent is dispatched."""
    started = [o for o in outcomes if isinstance(o, StartedSession)]
    failed = [o for o in outcomes if not isinstance(o, StartedSession)]
    assert all(isinstance(o, LiveKitError) for o in failed), failed
    assert len(failed) <= errors
    (live,) = world.storage.live_in(ROOM)
    assert {s.session.id for s in started} == {live.id}
    assert len({s.token for s in started}) == len(started)
    assert [d.id for d in world.dispatches()] == [live.dispatch_id]


@pytest.mark.parametrize("fault", FAULTS)
async def test_given_an_empty_room_then_64_starts_make_one_session_and_one_agent(
    fault: Fault | None,
) -> None:
    world = World()
    world.livekit.fail("create", fault)
    outcomes = await many_starts(world)
    one_session(world, outcomes, errors=1)
    assert world.livekit.count("create") <= (1 if fault is None or fault.applied else 2)


@pytest.mark.parametrize("fault", FAULTS)
async def test_given_the_agent_gone_then_64_starts_dispatch_one(fault: Fault | None) -> None:
    world = World()
    await world.start()
    world.clock.advance(GRACE)
    world.livekit.fail("create", fault)
    one_session(world, await many_starts(world), errors=1)


async def test_given_the_room_closed_then_64_starts_make_one_new_session() -> None:
    world = World()
    old = (await world.start()).session
    world.livekit.closes(ROOM)
    one_session(world, await many_starts(world))
    assert world.session().id != old.id


@pytest.mark.parametrize("fault", FAULTS[1:])
async def test_given_several_faults_in_a_row_then_16_starts_still_make_one_agent(
    fault: Fault,
) -> None:
    world = World()
    world.livekit.fail("create", *[fault] * 5)
    one_session(world, await many_starts(world, 16), errors=5)


@examples(80)
@given(
    choices=st.lists(st.integers(0, 3), max_size=80),
    fault=st.sampled_from(FAULTS),
    gone=st.booleans(),
)
def test_in_any_order_of_steps_three_starts_make_one_session_and_one_agent(
    choices: list[int], fault: Fault | None, *, gone: bool
) -> None:
    async def program() -> None:
        world = World()
        if gone:
            await world.start()
            world.clock.advance(GRACE)
        world.livekit.fail("create", fault)
        outcomes = await world.steps.run(
            [world.start(f"user-{n}") for n in range(3)],
            choices,
            after_each=lambda: at_most_one_agent(world),
        )
        one_session(world, outcomes, errors=1)

    asyncio.run(program())


def at_most_one_agent(world: World) -> None:
    assert len(world.dispatches()) <= 1
    assert len(world.storage.live_in(ROOM)) <= 1


async def test_given_a_request_that_takes_too_long_then_the_others_are_told_to_come_back() -> None:
    world = World(patience=LEASE - timedelta(seconds=5))
    pause = world.livekit.pause("create")
    slow = asyncio.create_task(world.start("user-1"))
    await pause.reached.wait()
    with pytest.raises(SessionBusy):
        await world.start("user-2")
    pause.resumed.set()
    assert (await slow).session.agent_dispatched
    assert world.livekit.count("create") == 1
