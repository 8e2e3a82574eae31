"""A live session's user gets a new token; nothing else happens."""

from __future__ import annotations

import attrs
import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.rooms.sip_leg import Direction
from domain.rooms.token_options import TokenRequest
from domain.sessions.end_session import EndSessionCommand
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.renew_token import RenewTokenCommand
from domain.sessions.start_session import StartSessionCommand
from domain.shared.errors import AnsweredSessionEnded, InvalidInput, NotFound
from domain.shared.identifiers import CallId
from tests.unit.worlds.world import ROOM, World

ANN, BEN = (Access(tenant=name, scopes=WORK, sees_unowned=False) for name in ("ann", "ben"))
ADMIN = SYSTEM
ID = "00000000-0000-7000-8000-000000000999"


@pytest.fixture
async def world() -> World:
    world = World()
    await world.start_session(StartSessionCommand("user-1", ROOM, access=ANN))
    await world.ledger.settled()
    return world


def commands(world: World, access: Access) -> list[RenewTokenCommand]:
    """Every way to name the session."""
    session_id = str(world.session().id)
    return [
        RenewTokenCommand(session_id=session_id, access=access),
        RenewTokenCommand(room_name=f" {ROOM} ", access=access),
        RenewTokenCommand(session_id=session_id, room_name=ROOM, access=access),
    ]


@pytest.mark.parametrize("access", [ANN, ADMIN])
async def test_given_a_live_session_then_its_user_gets_a_token_and_nothing_else_happens(
    world: World, access: Access
) -> None:
    before, calls = dict(world.storage.stored), len(world.livekit.calls)

    for command in commands(world, access):
        renewed = await world.renew_token(command)

        assert renewed.token == f"user-1 may join {ROOM} for 600 s"
        assert (str(renewed.session.identity), renewed.session.id) == ("user-1", world.session().id)
        assert renewed.livekit_url == "wss://livekit.test"
    assert dict(world.storage.stored) == before
    assert len(world.livekit.calls) == calls


async def test_given_options_then_the_new_token_has_them(world: World) -> None:
    token = TokenRequest(participant_name="Ann", token_ttl_seconds=1800)

    renewed = await world.renew_token(attrs.evolve(commands(world, ANN)[0], token=token))

    assert renewed.token == f"user-1 may join {ROOM} for 1800 s with {{'name': 'Ann'}}"


async def test_given_another_user_has_joined_then_the_token_is_the_first_one_s(
    world: World,
) -> None:
    await world.start_session(StartSessionCommand("user-2", ROOM, access=ANN))

    renewed = await world.renew_token(commands(world, ANN)[0])

    assert str(renewed.session.identity) == "user-1"


async def test_given_another_tenant_s_session_then_it_is_not_found(world: World) -> None:
    for command in commands(world, BEN):
        with pytest.raises(NotFound) as caught:
            await world.renew_token(command)
        assert "user-1" not in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        RenewTokenCommand(session_id=ID, access=ANN),
        RenewTokenCommand(session_id="no id", access=ANN),
        RenewTokenCommand(session_id="", access=ANN),
        RenewTokenCommand(room_name="another-room", access=ANN),
        RenewTokenCommand(room_name="", access=ANN),
        RenewTokenCommand(room_name="\0", access=ANN),
    ],
)
async def test_given_no_such_session_then_it_is_not_found(
    world: World, command: RenewTokenCommand
) -> None:
    with pytest.raises(NotFound):
        await world.renew_token(command)


async def test_given_an_id_and_another_room_then_it_is_not_found(world: World) -> None:
    command = attrs.evolve(commands(world, ANN)[0], room_name="another-room")

    with pytest.raises(NotFound, match="in this room") as caught:
        await world.renew_token(command)

    assert caught.value.details["field"] == "roomName"


async def test_given_neither_id_nor_room_then_the_error_names_both(world: World) -> None:
    with pytest.raises(InvalidInput, match="sessionId or roomName"):
        await world.renew_token(RenewTokenCommand(access=ANN))


async def test_given_an_ended_session_then_it_is_refused_for_good(world: World) -> None:
    await world.end_session(EndSessionCommand(ROOM, ANN))

    for command in commands(world, ANN):
        with pytest.raises(AnsweredSessionEnded, match="has ended") as caught:
            await world.renew_token(command)
        assert (caught.value.status, caught.value.code) == (409, "session_ended")
        assert caught.value.retry_after is None


async def test_given_an_ended_session_that_holds_its_room_then_it_is_refused(world: World) -> None:
    await world.end_session(EndSessionCommand(ROOM, ANN))
    async with world.hold_room(world.session()):
        with pytest.raises(AnsweredSessionEnded):
            await world.renew_token(commands(world, ANN)[0])


async def test_given_the_room_has_a_new_session_then_the_old_one_gets_no_token(
    world: World,
) -> None:
    old = commands(world, ANN)[0]
    await world.end_session(EndSessionCommand(ROOM, ANN))
    await world.start_session(StartSessionCommand("user-2", ROOM, access=ANN))

    with pytest.raises(AnsweredSessionEnded):
        await world.renew_token(old)
    by_room = await world.renew_token(RenewTokenCommand(room_name=ROOM, access=ANN))
    assert str(by_room.session.identity) == "user-2"


async def test_given_a_phone_call_s_session_then_nobody_gets_a_token_of_its_caller(
    world: World,
) -> None:
    phone = PhoneCorrelation(call_id=CallId(ID), direction=Direction.INBOUND)
    await world.ledger.save(attrs.evolve(world.session(), phone=phone))

    with pytest.raises(InvalidInput, match="phone call") as caught:
        await world.renew_token(commands(world, ANN)[0])
    assert caught.value.details["field"] == "sessionId"


@pytest.mark.parametrize(
    "wrong", [TokenRequest(token_ttl_seconds=3601), TokenRequest(participant_name="\n")]
)
async def test_given_a_wrong_option_then_the_ledger_is_not_asked(
    world: World, wrong: TokenRequest
) -> None:
    with pytest.raises(InvalidInput):
        await world.renew_token(RenewTokenCommand(session_id=ID, access=ANN, token=wrong))
