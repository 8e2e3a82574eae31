"""Whose turn it is when the reconciler looks into rooms that give it no reason to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from domain.ports.rooms import Rooms
from domain.room import Participant, ParticipantKind, Room
from tests.unit.domain.telephony import PhoneWorld

SECOND = timedelta(seconds=1)


@attrs.define
class Watched:
    """Rooms, and the names of those whose participants were asked for."""

    rooms: Rooms
    looked_into: list[str] = attrs.field(factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rooms, name)

    async def participants(self, room: Room) -> list[Participant]:
        self.looked_into.append(room.name)
        return await self.rooms.participants(room)


async def quiet(calls: int, users: int) -> tuple[PhoneWorld, Watched]:
    """So many rooms with a call, named ``0``…, and with a user, named ``x``…; all is well."""
    world = PhoneWorld()
    for number in range(calls):
        await world.serves(f"sip_{number}", str(number))
    for number in range(users):
        who = Participant("user", ParticipantKind.STANDARD)
        world.livekit.opens(chr(ord("x") + number)).people["user"] = who
    world.clock.advance(60 * SECOND)
    world.reconcile = world.new_reconcile()
    await world.looks()  # at all that it has never seen
    watched = Watched(world.reconcile.rooms)
    world.reconcile.rooms = watched
    world.reconcile.choice._turn.clear()
    return world, watched


async def cycles(world: PhoneWorld, watched: Watched, number: int) -> list[str]:
    """The rooms that each of the next cycles looks into."""
    seen = []
    for _ in range(number):
        watched.looked_into.clear()
        await world.looks()
        seen.append("".join(watched.looked_into))
    return seen


@pytest.mark.parametrize(
    ("rotation", "looks"),
    [
        (1, ["0", "1", "2", "3", "4", "0"]),
        (2, ["01", "23", "40", "12", "34", "01"]),
        (3, ["012", "340", "123", "401", "234", "012"]),
        (5, ["01234", "01234"]),
        (9, ["01234", "40123", "34012"]),
        (0, ["", ""]),
    ],
)
async def test_each_room_with_a_call_has_its_turn_before_any_has_it_again(
    rotation: int, looks: list[str]
) -> None:
    world, watched = await quiet(calls=5, users=0)
    world.reconcile.choice.rotation = rotation

    assert await cycles(world, watched, len(looks)) == looks


@pytest.mark.parametrize(
    ("rotation", "looks"),
    [
        (4, ["01", "01"]),
        (5, ["01x", "10y", "01z", "10x"]),
        (9, ["01x", "10y"]),
        (10, ["01xy", "01zx", "01yz"]),
    ],
)
async def test_rooms_without_a_call_have_a_fifth_as_many_turns(
    rotation: int, looks: list[str]
) -> None:
    world, watched = await quiet(calls=2, users=3)
    world.reconcile.choice.rotation = rotation

    assert await cycles(world, watched, len(looks)) == looks


async def test_what_the_rooms_with_calls_leave_is_for_the_others() -> None:
    world, watched = await quiet(calls=9, users=3)
    world.reconcile.choice.rotation = 10

    assert await cycles(world, watched, 2) == ["012345678x", "123456780y"]
