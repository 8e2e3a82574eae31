"""A room's name passes from one tenant to another once nobody can come in with an old token."""

from __future__ import annotations

import pytest

from domain.access import EVERYTHING, WORK, Access, Scope
from domain.errors import LiveKitUnreachable, RoomTaken
from domain.ports.token_signer import TOKEN_TTL
from domain.session import LEFT_FOR
from domain.use_cases.end_session import EndSessionCommand
from domain.use_cases.start_session import StartedSession, StartSessionCommand
from tests.unit.domain.fake_livekit import Fault
from tests.unit.domain.world import MOMENT, ROOM, World

ANN = Access(tenant="ann", scopes=WORK, sees_unowned=False)
BEN = Access(tenant="ben", scopes=WORK, sees_unowned=False)
HOUSE = Access(tenant="house", scopes=WORK, sees_unowned=True)
ADMIN = Access(tenant="ops", scopes=frozenset({Scope.ADMIN}), sees_unowned=False)


@pytest.fixture
def world() -> World:
    return World()


async def start(world: World, access: Access) -> StartedSession:
    return await world.start_session(StartSessionCommand("user-1", ROOM, None, access))


async def had_a_session(world: World, access: Access) -> None:
    await start(world, access)
    await world.end_session(EndSessionCommand(ROOM, access))


async def test_given_another_s_session_has_ended_then_its_last_token_must_expire_first(
    world: World,
) -> None:
    await had_a_session(world, ANN)

    for waited in (LEFT_FOR - MOMENT, MOMENT):
        with pytest.raises(RoomTaken, match="is not available to this key"):
            await start(world, BEN)
        world.clock.advance(waited)

    assert (await start(world, BEN)).session.tenant == "ben"
    assert LEFT_FOR > TOKEN_TTL
    assert world.livekit.count("create") == 2


@pytest.mark.parametrize("access", [ANN, ADMIN, EVERYTHING], ids=["its own", "admin", "operator"])
async def test_given_one_s_own_session_has_ended_then_the_next_begins_at_once(
    world: World, access: Access
) -> None:
    await had_a_session(world, ANN)

    assert (await start(world, access)).session.tenant == access.tenant


async def test_given_one_s_own_room_was_closed_then_the_next_session_begins_at_once(
    world: World,
) -> None:
    first = await start(world, ANN)
    world.livekit.closes(ROOM)

    assert (await start(world, ANN)).session.id != first.session.id


async def test_given_another_s_session_has_ended_then_a_call_in_its_room_is_served(
    world: World,
) -> None:
    await had_a_session(world, ANN)

    session = await world.ensure_agent(world.new_session())

    assert session.agent_dispatched


async def test_given_a_session_of_nobody_s_then_who_sees_those_may_begin_the_next(
    world: World,
) -> None:
    await had_a_session(world, EVERYTHING)

    with pytest.raises(RoomTaken):
        await start(world, BEN)
    assert (await start(world, HOUSE)).session.tenant == "house"


async def test_given_somebody_stayed_in_another_s_room_then_it_is_not_begun_in(
    world: World,
) -> None:
    """LiveKit renews the token of who is in a room, for as long as they are there."""
    await had_a_session(world, ANN)
    world.livekit.opens(ROOM)
    world.clock.advance(LEFT_FOR)

    with pytest.raises(RoomTaken):
        await start(world, BEN)

    world.livekit.closes(ROOM)
    assert (await start(world, BEN)).session.tenant == "ben"


async def test_given_livekit_cannot_tell_who_is_there_then_nothing_begins(world: World) -> None:
    await had_a_session(world, ANN)
    world.clock.advance(LEFT_FOR)
    world.livekit.fail("find", Fault.UNREACHABLE)

    with pytest.raises(LiveKitUnreachable):
        await start(world, BEN)

    assert world.session().tenant == "ann"
    assert world.livekit.count("create") == 1
