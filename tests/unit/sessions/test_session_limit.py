"""A tenant's live sessions: never more agents than it may have, however many begin at once.

Only here are sessions of one tenant counted while they begin in any order of steps.
"""

from __future__ import annotations

import asyncio

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access.access import SYSTEM, WORK, Access
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.start_session import StartedSession, StartSessionCommand
from domain.shared.errors import StorageUnavailable, TooManySessions
from tests.examples import examples
from tests.unit.worlds.steps import Crashed
from tests.unit.worlds.world import LEASE, World

ANN = Access(tenant="ann", scopes=WORK, sees_unowned=False)
MOST = 3
ROOMS = [f"room-{number}" for number in range(MOST + 2)]


async def start(world: World, room: str, access: Access = ANN) -> StartedSession:
    return await world.start_session(StartSessionCommand("user-1", room, None, access=access))


def served(world: World) -> list[str]:
    """The rooms with an agent."""
    return [room for room in ROOMS if world.dispatches(room)]


def no_more_than_allowed(world: World) -> None:
    assert len(served(world)) <= MOST


@examples(60)
@given(choices=st.lists(st.integers(0, len(ROOMS) - 1), max_size=60))
def test_in_any_order_of_steps_no_more_are_served_than_allowed(choices: list[int]) -> None:
    async def program() -> None:
        world = World()
        outcomes = await world.steps.run(
            [start(world, room) for room in ROOMS],
            choices,
            after_each=lambda: no_more_than_allowed(world),
        )
        begun = [one for one in outcomes if isinstance(one, StartedSession)]
        refused = [one for one in outcomes if isinstance(one, TooManySessions)]
        assert len(begun) + len(refused) == len(ROOMS)
        assert len(served(world)) == len(begun)
        live = [one for one in world.storage.stored.values() if one.is_live]
        assert {one.id for one in live} == {one.session.id for one in begun}

    asyncio.run(program())


@examples(60)
@given(choices=st.lists(st.integers(-len(ROOMS), len(ROOMS) - 1), max_size=60))
def test_nor_if_processes_die_and_all_is_asked_for_again(choices: list[int]) -> None:
    async def program() -> None:
        world = World()
        world.storage.kills = True
        await world.steps.run([start(world, room) for room in ROOMS], choices)
        world.pass_lease()

        outcomes = await world.steps.run([start(world, room) for room in ROOMS])

        assert not [one for one in outcomes if isinstance(one, Crashed)]
        no_more_than_allowed(world)

    asyncio.run(program())


async def test_given_one_too_many_at_the_same_moment_then_it_ends_before_it_has_an_agent() -> None:
    world = World()
    for room in ROOMS[: MOST - 1]:
        await start(world, room)

    outcomes = await asyncio.gather(
        *(start(world, room) for room in ROOMS[MOST - 1 :]), return_exceptions=True
    )

    assert [type(one) for one in outcomes] == [TooManySessions] * 3
    for room in ROOMS[MOST - 1 :]:
        session = world.session(room)
        assert (session.end_reason, session.dispatched_at) == (EndReason.ABANDONED, None)
    assert world.livekit.count("create") == MOST - 1
    await start(world, ROOMS[MOST])  # they have made room for it


async def test_given_the_ledger_fails_while_it_ends_then_it_gets_no_agent_later_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()

    async def fails(_ledger: object, session: Session) -> Session:
        raise StorageUnavailable("The ledger is broken.")

    with monkeypatch.context() as broken:
        broken.setattr(type(world.ledger), "save", fails)
        left = await asyncio.gather(*(start(world, r) for r in ROOMS), return_exceptions=True)
    assert len(left) == len(ROOMS)
    world.livekit.open.clear()
    world.pass_lease()

    for room in ROOMS:
        with pytest.raises(TooManySessions):
            await start(world, room)

    assert served(world) == []


async def test_nobody_s_sessions_are_not_counted_however_many_begin_at_once() -> None:
    world = World()

    outcomes = await asyncio.gather(*(start(world, room, SYSTEM) for room in ROOMS))

    assert len(outcomes) == len(ROOMS)
    assert served(world) == ROOMS


async def test_nor_does_one_that_is_known_to_have_got_none_when_its_process_died() -> None:
    world = World()
    for room in ROOMS[:MOST]:
        await start(world, room)
    left = attrs.evolve(world.new_session(ROOMS[MOST]), tenant=ANN.tenant)
    left = await world.ledger.add(left.claimed("dead", world.clock.now(), LEASE))
    await world.ledger.save(
        left.with_dispatch_failed(world.clock.now(), uncertain=False)
    )  # by the reconciler

    with pytest.raises(TooManySessions):
        await start(world, ROOMS[MOST])

    assert served(world) == ROOMS[:MOST]


async def test_at_the_limit_one_more_is_refused_and_leaves_no_trace() -> None:
    world = World()
    for room in ROOMS[:MOST]:
        await start(world, room)
    await world.ledger.settled()
    before = list(world.storage.history)

    with pytest.raises(TooManySessions):
        await start(world, ROOMS[MOST])

    assert world.storage.history == before


async def offer(world: World, room: str) -> StartedSession:
    command = StartSessionCommand("user-1", room, access=ANN, dispatch="on_join")
    return await world.start_session(command)


async def test_given_sessions_that_wait_for_a_user_then_as_many_others_begin() -> None:
    world = World()
    for number in range(MOST):
        await offer(world, f"waiting-{number}")

    for room in ROOMS[:MOST]:
        await start(world, room)

    assert served(world) == ROOMS[:MOST]
    with pytest.raises(TooManySessions):
        await start(world, ROOMS[MOST])


async def test_sessions_that_wait_for_a_user_have_the_same_limit_of_their_own() -> None:
    world = World()
    for number in range(MOST):
        await offer(world, f"waiting-{number}")

    with pytest.raises(TooManySessions, match="wait for a user"):
        await offer(world, "one-more")

    assert world.storage.newest_in("one-more") is None


async def test_given_as_many_live_sessions_as_allowed_then_none_begins_to_wait() -> None:
    world = World()
    for room in ROOMS[:MOST]:
        await start(world, room)

    with pytest.raises(TooManySessions):
        await offer(world, "waiting")
