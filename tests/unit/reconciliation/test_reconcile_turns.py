"""Whose turn it is when the reconciler looks into rooms that give it no reason to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from domain.rooms.room import Participant, Room
from domain.rooms.rooms import Rooms
from tests.unit.worlds.telephony import PhoneWorld

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


def watch(world: PhoneWorld) -> Watched:
    """Note whose participants the reconciler asks for from now on."""
    watched = Watched(world.rooms)
    look = attrs.evolve(world.reconcile.check_room, rooms=watched)
    world.reconcile.check_room = look
    return watched


async def quiet(calls: int, strangers: int, sessions: int = 0) -> tuple[PhoneWorld, Watched]:
    """So many rooms with a call, named ``0``…, sessions ``A``…, strangers ``x``…; all is well."""
    world = PhoneWorld()
    for number in range(calls):
        await world.serves(f"sip_{number}", str(number))
    for number in range(sessions):
        room_name = chr(ord("A") + number)
        await world.start(room_name=room_name)
        world.user_joins(room_name=room_name)
        world.agents_join(room_name)
        await world.hears_all()
    for number in range(strangers):
        world.user_joins(room_name=chr(ord("x") + number))
    world.clock.advance(60 * SECOND)
    world.reconcile = world.new_reconcile()
    await world.looks()  # at all that it has never seen
    watched = watch(world)
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
    world, watched = await quiet(calls=5, strangers=0)
    world.reconcile.choice.rotation = rotation

    assert await cycles(world, watched, len(looks)) == looks


@pytest.mark.parametrize(
    ("rotation", "looks"),
    [
        (2, ["01", "01"]),
        (3, ["01x", "10y", "01z", "10x"]),
        (4, ["01xy", "01zx", "01yz"]),
        (9, ["01xyz", "01yzx"]),
    ],
)
async def test_the_turns_that_our_rooms_leave_are_for_those_of_strangers(
    rotation: int, looks: list[str]
) -> None:
    world, watched = await quiet(calls=2, strangers=3)
    world.reconcile.choice.rotation = rotation

    assert await cycles(world, watched, len(looks)) == looks


@pytest.mark.parametrize(
    ("rotation", "looks"), [(4, ["0123", "4567"]), (5, ["0123x", "4567y"]), (10, ["01234567xy"])]
)
async def test_however_many_rooms_are_ours_a_fifth_of_the_turns_is_for_strangers(
    rotation: int, looks: list[str]
) -> None:
    world, watched = await quiet(calls=9, strangers=3)
    world.reconcile.choice.rotation = rotation

    assert await cycles(world, watched, len(looks)) == looks


async def test_however_many_calls_there_are_web_sessions_have_their_turn() -> None:
    world, watched = await quiet(calls=4, strangers=0, sessions=2)
    world.reconcile.choice.rotation = 2

    assert await cycles(world, watched, 4) == ["01", "23", "AB", "01"]
