"""Looking a session up."""

from __future__ import annotations

import pytest

from domain.access.access import SYSTEM
from domain.shared.errors import NotFound, StorageUnavailable
from tests.unit.worlds.world import ROOM, World


async def test_given_a_session_then_it_is_found_by_id_and_by_room() -> None:
    world = World()
    started = await world.start()
    assert await world.read_sessions.by_id(str(started.session.id), SYSTEM) == world.session()
    assert await world.read_sessions.by_room(ROOM, SYSTEM) == world.session()


async def test_given_an_ended_session_then_it_is_still_found() -> None:
    world = World()
    started = await world.start()
    await world.end()
    assert (await world.read_sessions.by_id(str(started.session.id), SYSTEM)).ended_at is not None
    assert (await world.read_sessions.by_room(ROOM, SYSTEM)).id == started.session.id


async def test_given_several_in_a_room_then_the_newest_is_found() -> None:
    world = World()
    older = (await world.start()).session
    await world.end()
    newer = (await world.start()).session
    assert (await world.read_sessions.by_room(ROOM, SYSTEM)).id == newer.id != older.id


@pytest.mark.parametrize("wanted", ["", "no", "00000000-0000-7000-8000-ffffffffffff", "a\x00"])
async def test_given_an_unknown_or_impossible_id_then_there_is_none(wanted: str) -> None:
    world = World()
    await world.start()
    with pytest.raises(NotFound) as caught:
        await world.read_sessions.by_id(wanted, SYSTEM)
    assert caught.value.details == {"field": "sessionId"}


@pytest.mark.parametrize("wanted", ["", "another", "a b", "a\x00", "x" * 129])
async def test_given_an_unknown_or_impossible_room_then_there_is_none(wanted: str) -> None:
    world = World()
    await world.start()
    with pytest.raises(NotFound) as caught:
        await world.read_sessions.by_room(wanted, SYSTEM)
    assert caught.value.details == {"field": "roomName"}


async def test_livekit_is_not_asked() -> None:
    world = World()
    started = await world.start()
    asked = list(world.livekit.calls)
    await world.read_sessions.by_id(str(started.session.id), SYSTEM)
    await world.read_sessions.by_room(ROOM, SYSTEM)
    assert world.livekit.calls == asked


async def test_given_no_ledger_then_that_is_said() -> None:
    world = World()
    world.storage.broken = True
    with pytest.raises(StorageUnavailable):
        await world.read_sessions.by_room(ROOM, SYSTEM)
