"""What a caller chooses of the token is in the token, also of a repetition, and nowhere else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.rooms.token_options import TokenRequest
from domain.sessions.end_session import EndSessionCommand
from domain.sessions.session_outline import LEFT_FOR, reserved_for
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


def test_given_tokens_that_live_longer_then_a_room_is_reserved_for_longer() -> None:
    hour = timedelta(hours=1)

    assert reserved_for(timedelta(minutes=10)) == LEFT_FOR == timedelta(minutes=12)
    assert reserved_for(hour) == timedelta(minutes=62)
    assert reserved_for(timedelta(seconds=1)) == LEFT_FOR


async def test_given_a_room_is_reserved_for_longer_then_another_tenant_waits_as_long() -> None:
    world = World(left_for=reserved_for(timedelta(hours=1)))
    ann, ben = (Access(tenant=name, scopes=WORK, sees_unowned=False) for name in ("ann", "ben"))
    await world.start_session(StartSessionCommand("user-1", ROOM, access=ann, token=CHOSEN))
    await world.end_session(EndSessionCommand(ROOM, ann))

    world.clock.advance(timedelta(minutes=62) - MOMENT)
    with pytest.raises(RoomTaken):
        await world.start_session(StartSessionCommand("user-2", ROOM, access=ben))
    world.clock.advance(MOMENT)
    started = await world.start_session(StartSessionCommand("user-2", ROOM, access=ben))

    assert started.session.tenant == "ben"
