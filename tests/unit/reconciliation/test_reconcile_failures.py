"""What goes wrong in one room stops no other, and is counted by its kind."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import attrs
import pytest

from domain.reconciliation.reconcile import STORAGE_FAILURES
from domain.rooms.room import Participant, Room
from domain.rooms.rooms import Rooms
from domain.rooms.sip_leg import Direction
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session_status import SessionStatus
from domain.shared.errors import DomainError, IllegalTransition, StorageUnavailable
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitRefused
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import LEASE, ROOM

SECOND = timedelta(seconds=1)


@attrs.define
class FailingRooms:
    """Rooms of which those in ``bad`` cannot be looked into."""

    rooms: Rooms
    bad: dict[str, Exception]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rooms, name)

    async def participants(self, room: Room) -> list[Participant]:
        if room.name in self.bad:
            raise self.bad[room.name]
        return await self.rooms.participants(room)


def break_rooms(world: PhoneWorld, bad: dict[str, Exception]) -> None:
    rooms = cast("Rooms", FailingRooms(world.rooms, bad))
    world.reconcile.check_room = attrs.evolve(world.reconcile.check_room, rooms=rooms)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LiveKitRefused("LiveKit refused."), "livekit_refused"),
        (IllegalTransition("A session cannot go there."), "illegal_transition"),
        (StorageUnavailable("The row cannot be read."), "storage_unavailable"),
        (ZeroDivisionError("a defect"), "defect"),
    ],
)
async def test_given_one_room_fails_then_the_others_are_looked_into(
    error: Exception, kind: str
) -> None:
    world = PhoneWorld()
    legs = [world.joins(f"sip_{number}", f"room-{number}") for number in range(3)]
    break_rooms(world, {"room-0": error})

    done = await world.looks()

    assert [world.known(leg) for leg in legs] == [False, True, True]
    assert done.failures == {kind: 1}
    expected = isinstance(error, DomainError)
    assert done.problems == ([str(error)] if expected else [])
    assert done.defects == ([] if expected else [error])
    break_rooms(world, {})
    done = await world.looks()
    assert world.known(legs[0])
    assert (done.failures, done.problems, done.defects) == ({}, [], [])


async def test_given_several_kinds_of_failure_then_each_is_counted() -> None:
    world = PhoneWorld()
    for number in range(4):
        world.joins(f"sip_{number}", f"room-{number}")
    refused = LiveKitRefused("LiveKit refused.")
    break_rooms(world, {"room-0": refused, "room-1": refused, "room-2": KeyError("x")})
    done = await world.looks()
    assert done.failures == {"livekit_refused": 2, "defect": 1}
    assert len(done.problems) == 2
    assert world.known(world.stays[3])


@pytest.mark.parametrize("error", [LiveKitRefused("LiveKit refused."), ZeroDivisionError()])
async def test_given_one_session_cannot_be_ended_then_the_others_are(error: Exception) -> None:
    world = PhoneWorld()
    for number in range(3):
        await world.start(room_name=f"room-{number}")
        world.livekit.closes(f"room-{number}")
    await world.looks()
    find = world.rooms.find

    async def fails(room_name: RoomName) -> Room | None:
        if str(room_name) == "room-0":
            raise error
        return await find(room_name)

    world.reconcile.rooms = cast("Rooms", SimpleNamespace(all=world.rooms.all, find=fails))
    [done] = await world.goes_on()

    assert [world.session(f"room-{n}").is_live for n in range(3)] == [True, False, False]
    assert sum(done.failures.values()) == 1


@pytest.mark.parametrize(
    ("broken", "ends"), [(STORAGE_FAILURES - 1, False), (STORAGE_FAILURES, True)]
)
async def test_given_so_many_rows_fail_then_the_storage_is_out_of_reach_and_the_cycle_ends(
    broken: int,
    ends: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    for number in range(STORAGE_FAILURES + 1):
        world.joins(f"sip_{number}", f"room-{number}")
    error = StorageUnavailable("The row cannot be read.")
    break_rooms(world, {f"room-{number}": error for number in range(broken)})
    if ends:
        with pytest.raises(StorageUnavailable):
            await world.looks()
    else:
        assert (await world.looks()).failures == {"storage_unavailable": broken}
    assert world.known(world.stays[-1]) is not ends


async def test_given_the_ledger_is_out_of_reach_then_the_cycle_ends_and_nothing_goes_on() -> None:
    world = PhoneWorld()
    world.reconcile.parallel = 4
    for number in range(2 * STORAGE_FAILURES):
        world.joins(f"sip_{number}", f"room-{number}")
    pause = world.livekit.pause("participants")
    cycle = asyncio.create_task(world.looks())
    await pause.reached.wait()
    world.storage.broken = True
    with pytest.raises(StorageUnavailable):
        await cycle
    world.storage.broken = False
    pause.resumed.set()
    await asyncio.sleep(0.01)
    assert world.storage.calls == []


async def test_given_the_ledger_cannot_be_read_at_all_then_nothing_is_changed() -> None:
    world = PhoneWorld()
    world.storage.broken = True
    with pytest.raises(StorageUnavailable):
        await world.looks()
    assert world.livekit.calls == ["list_rooms"]


async def killed_after_create(world: PhoneWorld) -> None:
    """A caller joined; the process that sent CreateDispatch for them was killed at once.

    The caller hung up, the room closed, and the dispatch then made a new instance of it.
    """
    leg = world.joins()
    phone = PhoneCorrelation(call_id=world.ids.call_id(), direction=Direction.INBOUND)
    session = attrs.evolve(world.new_session(), room_sid=leg.room_sid, phone=phone)
    session = await world.ledger.add(session.claimed("killed", world.clock.now(), LEASE))
    world.closes()
    await world.agent_comes_late(session)


async def test_given_a_session_left_created_and_a_person_in_its_new_room_then_it_goes_on() -> None:
    """Such a session once made every cycle fail for all rooms (p13_wedge.py)."""
    world = PhoneWorld()
    await killed_after_create(world)
    world.user_joins("supervisor")
    await world.hears_all()
    await world.start("user-1", "web-1")
    world.livekit.agents_join("web-1")
    world.livekit.closes("web-1")

    done = await world.goes_on(6)

    assert not world.session("web-1").is_live
    assert world.session().status is SessionStatus.ACTIVE
    assert world.session().room_sid == world.livekit.open[ROOM].sid
    assert len(world.agents()) == 1
    assert world.livekit.count("create") == 2, "the lost one and that of the other room"
    assert not any(one.failures for one in done)


async def test_given_a_session_left_created_and_nobody_in_its_new_room_then_it_ends() -> None:
    world = PhoneWorld()
    await killed_after_create(world)
    await world.hears_all()

    await world.goes_on(4)

    assert not world.session().is_live
    assert world.agents() == []
    assert world.dispatches() == []


async def test_given_somebody_works_on_one_session_then_that_is_no_failure() -> None:
    world = PhoneWorld()
    legs = [world.joins(f"sip_{number}", f"room-{number}") for number in range(2)]
    session = world.new_session("room-0")
    await world.ledger.add(session.claimed("other", world.clock.now(), LEASE))

    done = await world.looks()

    assert [world.call(leg).session_id is not None for leg in legs] == [False, True]
    assert (done.failures, done.problems, done.defects) == ({}, [], [])
