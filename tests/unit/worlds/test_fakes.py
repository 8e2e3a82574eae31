"""The fakes keep the promises of the ports, or no other test here means anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.access.access import SYSTEM
from domain.sessions.session_status import EndReason
from domain.shared.errors import Conflict
from tests.unit.worlds.world import ROOM, World


async def test_a_write_that_is_not_committed_is_not_there() -> None:
    world = World()
    session = world.new_session()
    async with world.storage() as work:
        await work.sessions.add(session)
    assert await world.ledger.get(session.id, SYSTEM) is None


async def test_a_write_is_visible_to_others_only_once_it_is_committed() -> None:
    world = World()
    async with world.storage() as work:
        await work.sessions.add(world.new_session())
        assert await world.ledger.live_in(world.new_session().room_name, SYSTEM) is None
        await work.commit()
    assert await world.ledger.live_in(world.new_session().room_name, SYSTEM) is not None


async def test_a_second_live_session_in_a_room_is_a_conflict() -> None:
    world = World()
    await world.ledger.add(world.new_session())
    with pytest.raises(Conflict):
        await world.ledger.add(world.new_session())
    assert len(world.storage.live_in(ROOM)) == 1


async def test_an_ended_session_makes_place_for_another() -> None:
    world = World()
    session = await world.ledger.add(world.new_session())
    await world.ledger.save(session.ended(EndReason.ROOM_FINISHED, world.clock.now()))
    newer = await world.ledger.add(world.new_session())
    assert await world.ledger.newest_in(newer.room_name, SYSTEM) == newer


async def test_an_id_is_taken_for_good() -> None:
    world = World()
    session = await world.ledger.add(world.new_session())
    await world.ledger.save(session.ended(EndReason.ROOM_FINISHED, world.clock.now()))
    with pytest.raises(Conflict):
        await world.ledger.add(session)


async def test_a_stale_write_is_a_conflict_and_changes_nothing() -> None:
    world = World()
    stale = await world.ledger.add(world.new_session())
    current = await world.ledger.save(stale.released())
    with pytest.raises(Conflict):
        await world.ledger.save(stale.ended(EndReason.ROOM_FINISHED, world.clock.now()))
    assert await world.ledger.get(stale.id, SYSTEM) == current
    assert current.version == stale.version + 1


async def test_those_who_sleep_together_wake_together() -> None:
    world = World()
    start = world.clock.now()
    nap = timedelta(milliseconds=50)
    await world.steps.run([world.clock.sleep(nap) for _ in range(10)])
    assert world.clock.now() == start + nap
