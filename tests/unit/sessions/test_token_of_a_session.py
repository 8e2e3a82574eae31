"""What a caller chooses of the token is in the token, also of a repetition, and nowhere else."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.rooms.token_options import TokenRequest
from domain.sessions.end_session import EndSessionCommand
from domain.sessions.renew_token import RenewTokenCommand
from domain.sessions.start_session import StartSessionCommand
from domain.shared.errors import InvalidInput, RoomTaken
from domain.shared.idempotency_errors import IdempotencyKeyReused
from tests.unit.worlds.world import MOMENT, ROOM, World

CHOSEN = TokenRequest(
    participant_name="Ann",
    participant_metadata="m",
    participant_attributes={"plan": "pro", "a": "b"},
    token_ttl_seconds=1200,
)
SHOWN = "1200 s with {'name': 'Ann', 'metadata': 'm', 'attributes': {'plan': 'pro', 'a': 'b'}}"


def asking(token: TokenRequest, room: str | None = ROOM) -> StartSessionCommand:
    return StartSessionCommand("user-1", room, access=SYSTEM, token=token)


async def test_given_options_then_the_token_has_them() -> None:
    started = await World().start_session(asking(CHOSEN))

    assert started.token == f"user-1 may join {ROOM} for {SHOWN}"


async def test_given_a_wrong_option_then_nothing_is_begun() -> None:
    world = World()

    with pytest.raises(InvalidInput, match="tokenTtlSeconds"):
        await world.start_session(asking(TokenRequest(token_ttl_seconds=3601)))

    assert not world.storage.stored
    assert not world.livekit.calls


async def test_given_a_repetition_then_its_token_has_the_same_content() -> None:
    world = World()
    first = await world.start_once(command=asking(CHOSEN))

    again = await world.start_once(command=asking(CHOSEN))

    assert again.replayed
    assert again.token == first.token
    assert again.token.endswith(SHOWN)
    assert "Ann" not in again.text


async def test_given_the_attributes_in_another_order_then_it_is_the_same_request() -> None:
    world = World()
    await world.start_once(command=asking(CHOSEN))
    reversed_ = TokenRequest(
        participant_name="Ann",
        participant_metadata="m",
        participant_attributes={"a": "b", "plan": "pro"},
        token_ttl_seconds=1200,
    )

    assert (await world.start_once(command=asking(reversed_))).replayed


@pytest.mark.parametrize(
    "other",
    [
        TokenRequest(),
        TokenRequest(participant_name="Ben"),
        TokenRequest(participant_metadata="Ann"),
        TokenRequest(participant_name="Ann", token_ttl_seconds=599),
        TokenRequest(participant_name="Ann", participant_attributes={"a": "b"}),
    ],
)
async def test_given_other_options_under_the_same_key_then_it_is_another_request(
    other: TokenRequest,
) -> None:
    world = World()
    await world.start_once(command=asking(TokenRequest(participant_name="Ann")))

    with pytest.raises(IdempotencyKeyReused):
        await world.start_once(command=asking(other))


async def test_given_no_options_then_the_fingerprint_is_that_of_versions_before_them() -> None:
    """While replicas of two versions run, a repetition may reach the other one."""
    fingerprint = World().start_session.fingerprint(asking(TokenRequest()))

    assert (
        fingerprint == "093a3f84dcccf0761ea09d0cb1a6b0d46af7f852ec41b3c893c032531d1e7fd8"
    )  # pragma: allowlist secret


async def test_given_a_wrong_option_then_the_key_can_be_used_again() -> None:
    world = World()
    with pytest.raises(InvalidInput):
        await world.start_once(command=asking(TokenRequest(participant_name="x" * 300)))

    assert not (await world.start_once(command=asking(CHOSEN))).replayed


ANN, BEN = (Access(tenant=name, scopes=WORK, sees_unowned=False) for name in ("ann", "ben"))
HOUR = TokenRequest(token_ttl_seconds=3600)
HOWS = [
    "at the start",
    "by joining",
    "on join",
    "by joining on join",
    "renewed",
    "replayed",
]


async def gets_token(world: World, how: str, token: TokenRequest) -> None:
    """Ann gets this token for the room; others that she got for it are default ones."""
    timing = "on_join" if "on join" in how else None
    default = StartSessionCommand("user-1", ROOM, access=ANN, dispatch=timing)
    asked = attrs.evolve(default, token=token)
    match how:
        case "replayed":
            await world.start_once("key", asked)
            await world.ledger.settled()
            world.clock.advance(timedelta(minutes=5))
            await world.start_once("key", asked)
        case "renewed":
            await world.start_session(default)
            await world.ledger.settled()
            await world.renew_token(RenewTokenCommand(room_name=ROOM, access=ANN, token=token))
        case "by joining" | "by joining on join":
            await world.start_session(default)
            await world.ledger.settled()
            await world.start_session(asked)
        case _:
            await world.start_session(asked)
    await world.ledger.settled()


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(("token", "minutes"), [(TokenRequest(), 12), (HOUR, 62)])
async def test_a_room_is_reserved_until_its_last_token_has_expired(
    how: str, token: TokenRequest, minutes: int
) -> None:
    world = World()
    await gets_token(world, how, token)
    await world.end_session(EndSessionCommand(ROOM, ANN))

    world.clock.advance(timedelta(minutes=minutes) - MOMENT)
    with pytest.raises(RoomTaken):
        await world.start_session(StartSessionCommand("user-2", ROOM, access=BEN))
    world.clock.advance(MOMENT)
    started = await world.start_session(StartSessionCommand("user-2", ROOM, access=BEN))

    assert started.session.tenant == "ben"


@pytest.mark.parametrize("retention", [timedelta(days=0.01), timedelta(days=1)])
async def test_given_the_session_is_pruned_then_no_other_tenant_gets_its_room_before(
    retention: timedelta,
) -> None:
    world = World()
    week = 7 * timedelta(days=1)
    ttl = timedelta(hours=1) if retention < timedelta(days=1) else week
    start_long = attrs.evolve(world.start_session, longest_ttl=week)
    token = TokenRequest(token_ttl_seconds=int(ttl.total_seconds()))
    await start_long(StartSessionCommand("user-1", ROOM, access=ANN, token=token))
    await world.ledger.settled()
    await world.end_session(EndSessionCommand(ROOM, ANN))
    world.clock.advance(ttl - MOMENT)
    prune = world.storage.memory.prune_sessions

    assert await prune(world.clock.now() - retention) == 0
    with pytest.raises(RoomTaken):
        await world.start_session(StartSessionCommand("user-2", ROOM, access=BEN))
    world.clock.advance(retention + 2 * MOMENT)
    assert await prune(world.clock.now() - retention) == 1


async def test_given_a_later_session_with_a_shorter_token_then_the_room_stays_reserved() -> None:
    world = World()
    await gets_token(world, "at the start", HOUR)
    await world.end_session(EndSessionCommand(ROOM, ANN))
    await gets_token(world, "at the start", TokenRequest())
    await world.end_session(EndSessionCommand(ROOM, ANN))

    world.clock.advance(timedelta(minutes=61))
    with pytest.raises(RoomTaken):
        await world.start_session(StartSessionCommand("user-2", ROOM, access=BEN))


async def test_given_a_default_token_then_joining_again_stores_nothing() -> None:
    world = World()
    await gets_token(world, "at the start", TokenRequest())
    version = world.session().version
    await gets_token(world, "by joining", TokenRequest())
    await gets_token(world, "renewed", TokenRequest())

    assert world.session().version == version
    assert world.session().token_until is None
