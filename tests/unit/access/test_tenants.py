"""Tenants: what one began is not there for another."""

from __future__ import annotations

import attrs
import pytest

from domain.access.access import SYSTEM, WORK, Access, Scope
from domain.sessions.end_session import EndSessionCommand
from domain.sessions.repository import SessionFilter
from domain.sessions.session_outline import LEFT_FOR
from domain.sessions.start_session import StartedSession, StartSessionCommand
from domain.shared.errors import NotFound, RoomTaken, TooManySessions
from tests.unit.worlds.world import ROOM, World

ANN = Access(tenant="ann", scopes=WORK, sees_unowned=False)
BEN = Access(tenant="ben", scopes=WORK, sees_unowned=False)
HOUSE = Access(tenant="house", scopes=WORK, sees_unowned=True)


@pytest.fixture
def world() -> World:
    return World()


async def start(world: World, access: Access, room: str | None = ROOM) -> StartedSession:
    return await world.start_session(StartSessionCommand("user-1", room, None, access=access))


async def end(world: World, access: Access) -> None:
    await world.end_session(EndSessionCommand(ROOM, access))


async def test_a_session_is_its_starter_s(world: World) -> None:
    started = await start(world, ANN)

    assert started.session.tenant == "ann"
    read = world.read_sessions
    assert await read.by_id(str(started.session.id), ANN) == await read.by_room(ROOM, ANN)
    assert len((await read.page(SessionFilter(), ANN)).items) == 1


async def test_another_s_session_is_not_there(world: World) -> None:
    started = await start(world, ANN)

    for access in (BEN, HOUSE):
        with pytest.raises(NotFound):
            await world.read_sessions.by_id(str(started.session.id), access)
        with pytest.raises(NotFound):
            await world.read_sessions.by_room(ROOM, access)
        page = await world.read_sessions.page(SessionFilter(), access)
        assert page.items == []


async def test_another_s_room_can_neither_be_joined_nor_ended(world: World) -> None:
    await start(world, ANN)

    for access in (BEN, HOUSE):
        with pytest.raises(RoomTaken, match="is not available to this key"):
            await start(world, access)
        with pytest.raises(NotFound):
            await end(world, access)

    assert world.session().is_live
    assert len(world.dispatches()) == 1


async def test_two_keys_of_one_tenant_share_a_room(world: World) -> None:
    first = await start(world, ANN)
    second = await start(world, Access(tenant="ann", scopes=WORK, sees_unowned=False))

    assert first.session.id == second.session.id
    await end(world, ANN)
    assert not world.session().is_live


async def test_a_room_s_name_is_free_once_the_other_s_users_cannot_come_back(world: World) -> None:
    await start(world, ANN)
    await end(world, ANN)
    world.clock.advance(LEFT_FOR)

    started = await start(world, BEN)

    assert started.session.tenant == "ben"
    assert (await world.read_sessions.by_room(ROOM, ANN)).tenant == "ann"
    assert (await world.read_sessions.by_room(ROOM, BEN)).tenant == "ben"
    with pytest.raises(NotFound):
        await end(world, ANN)
    assert world.session().is_live


async def test_ending_again_what_has_ended_is_a_success_and_leaves_another_s_alone(
    world: World,
) -> None:
    await start(world, ANN)
    await end(world, ANN)
    world.clock.advance(LEFT_FOR)
    await start(world, BEN)
    await end(world, BEN)
    deletions = world.livekit.count("delete_room")

    await end(world, ANN)

    assert world.livekit.count("delete_room") == deletions  # the room may be somebody's by now


async def test_what_is_nobody_s_is_there_for_the_house_and_the_operator_only(world: World) -> None:
    started = await start(world, SYSTEM)

    assert started.session.tenant is None
    assert (await start(world, HOUSE)).session.id == started.session.id
    with pytest.raises(RoomTaken):
        await start(world, BEN)
    with pytest.raises(NotFound):
        await end(world, BEN)
    await end(world, HOUSE)
    assert not world.session().is_live


async def test_a_room_that_only_livekit_knows_is_nobody_s(world: World) -> None:
    world.livekit.opens(ROOM)

    with pytest.raises(NotFound):
        await end(world, BEN)
    await end(world, HOUSE)

    assert ROOM not in world.livekit.open


async def test_a_tenant_has_only_so_many_live_sessions(world: World) -> None:
    for number in range(3):
        await start(world, ANN, f"room-{number}")

    with pytest.raises(TooManySessions, match="may have 3 live sessions") as caught:
        await start(world, ANN, "room-3")

    assert caught.value.retry_after > 0
    assert world.livekit.count("create") == 3
    await start(world, ANN, "room-1")  # joining is no new session
    await start(world, BEN, "room-4")
    for number in range(5, 10):  # nobody's are not counted
        await start(world, SYSTEM, f"room-{number}")
    await world.end_session(EndSessionCommand("room-1", ANN))
    await start(world, ANN, "room-3")


async def test_a_limit_that_was_lowered_holds_for_who_has_more_already(world: World) -> None:
    for number in range(3):
        await start(world, ANN, f"room-{number}")
    limit = attrs.evolve(world.ensure_agent.limit, most=1)
    fewer = attrs.evolve(world.ensure_agent, limit=limit)
    world.start_session = attrs.evolve(world.start_session, ensure_agent=fewer)

    with pytest.raises(TooManySessions, match="may have 1 live"):
        await start(world, ANN, "room-3")


def test_a_tenant_sees_what_is_nobodys_unless_told_otherwise() -> None:
    reads = frozenset({Scope.CALLS_READ})

    assert Access(tenant="a", scopes=reads).sees(None)
    assert not Access(tenant="a", scopes=reads, sees_unowned=False).sees(None)
