"""A room's name passes from one tenant to another once nobody can come in with an old token."""

from __future__ import annotations

import asyncio

import pytest

from domain.access.access import SYSTEM, WORK, Access, Scope
from domain.rooms.token_options import TOKEN_TTL
from domain.sessions.end_session import EndSessionCommand
from domain.sessions.session_outline import LEFT_FOR
from domain.sessions.start_session import StartedSession, StartSessionCommand
from domain.shared.errors import RoomTaken
from domain.shared.livekit_errors import LiveKitUnreachable
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import MOMENT, ROOM, World

ANN = Access(tenant="ann", scopes=WORK, sees_unowned=False)
BEN = Access(tenant="ben", scopes=WORK, sees_unowned=False)
HOUSE = Access(tenant="house", scopes=WORK, sees_unowned=True)
ADMIN = Access(tenant="ops", scopes=frozenset({Scope.ADMIN}), sees_unowned=False)


@pytest.fixture
def world() -> World:
    return World()


async def start(world: World, access: Access) -> StartedSession:
    return await world.start_session(StartSessionCommand("user-1", ROOM, None, access=access))


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


@pytest.mark.parametrize("access", [ANN, ADMIN, SYSTEM], ids=["its own", "admin", "operator"])
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

    session = await world.ensure_agent(world.new_session(), SYSTEM)

    assert session.agent_dispatched


async def test_given_a_session_of_nobody_s_then_who_sees_those_may_begin_the_next(
    world: World,
) -> None:
    await had_a_session(world, SYSTEM)

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


async def test_given_another_s_end_is_repeated_late_then_it_waits_and_keeps_its_room(
    world: World,
) -> None:
    """A DeleteRoom of one tenant never meets the room that another has begun meanwhile."""
    await had_a_session(world, ANN)
    await world.ledger.settled()
    world.clock.advance(LEFT_FOR)
    world.livekit.opens(ROOM)  # by a token of a user of ann's, which makes it worth deleting
    held = world.livekit.pause("find")
    ending = asyncio.create_task(world.end_session(EndSessionCommand(ROOM, ANN)))
    await held.reached.wait()
    world.livekit.closes(ROOM)
    starting = asyncio.create_task(start(world, BEN))
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.livekit.count("create") == 1, "ben waits for the end of ann's"

    held.resumed.set()
    await ending
    started = await starting

    assert ROOM in world.livekit.open
    assert started.session.tenant == "ben"
    assert len(world.dispatches()) == 1


async def test_given_a_name_of_long_ago_then_its_tenant_cannot_end_another_application_s_room(
    world: World,
) -> None:
    await had_a_session(world, ANN)
    await world.ledger.settled()
    world.clock.advance(LEFT_FOR)
    world.livekit.opens(ROOM)

    await world.end_session(EndSessionCommand(ROOM, ANN))

    assert ROOM in world.livekit.open


async def test_given_a_room_that_was_theirs_lately_then_its_tenant_ends_it_again(
    world: World,
) -> None:
    await had_a_session(world, ANN)
    await world.ledger.settled()
    world.livekit.opens(ROOM)

    await world.end_session(EndSessionCommand(ROOM, ANN))

    assert ROOM not in world.livekit.open
