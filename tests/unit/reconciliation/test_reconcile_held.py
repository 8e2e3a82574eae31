"""Where many entries would end at once, LiveKit may have lost them from view: they are held."""

from __future__ import annotations

import pytest

from domain.shared.livekit_errors import LiveKitError
from tests.unit.reconciliation.test_reconcile_absences import kept, loses_its_rooms, served
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld
from tests.unit.worlds.world import MOMENT


@pytest.mark.parametrize(
    ("rooms", "closed", "is_held"),
    [
        (2, 1, False),  # two entries of four
        (2, 2, True),  # four, which are more than three
        (20, 2, False),  # four of forty are a tenth
        (19, 2, True),  # four of thirty-eight are more
    ],
)
async def test_more_than_three_and_more_than_a_tenth_at_once_are_held(
    rooms: int,
    closed: int,
    is_held: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    await served(world, rooms)
    for number in range(1, closed + 1):
        world.closes(f"room-{number}")
    done = await world.looks_twice()
    assert (done.held is not None) is is_held
    assert done.held_entries == (2 * closed if is_held else 0)
    assert world.reconcile.held == done.held
    assert kept(world) == 2 * (rooms if is_held else rooms - closed)


async def test_given_livekit_lost_its_rooms_then_they_are_held_and_end_once_it_is_confirmed() -> (
    None
):
    world = PhoneWorld()
    await served(world, rooms=4)
    loses_its_rooms(world)

    done = [await world.looks(), *await world.goes_on(4)]

    assert [one.held_entries for one in done] == [0, 8, 8, 0, 0]
    assert [sum(one.repairs.values()) for one in done] == [0, 0, 0, 8, 0]
    assert done[1].held is not None
    assert "8 of 8" in done[1].held
    assert "LIVEKIT_URL" in done[1].held
    assert done[-1].held is None
    assert world.reconcile.held is None
    assert kept(world) == 0


async def test_sessions_that_wait_for_a_user_do_not_count_among_those_that_are_missing() -> None:
    world = PhoneWorld()
    await served(world, rooms=4)
    for number in range(100):
        await world.start(room_name=f"unused-{number}", dispatch="on_join")
    loses_its_rooms(world)

    done = await world.looks_twice()

    assert done.held_entries == 8
    assert kept(world) == 8 + 100


async def test_given_held_rooms_are_listed_again_then_all_goes_on_as_before() -> None:
    world = PhoneWorld()
    await served(world, rooms=4)
    before = dict(world.storage.stored)
    had = loses_its_rooms(world)
    await world.looks_twice()
    world.livekit.open.update(had)
    [done] = await world.goes_on()
    assert (done.held, world.reconcile.held) == (None, None)
    assert world.storage.stored == before
    assert world.livekit.count("create") == 4


async def test_given_livekit_is_out_of_reach_while_they_are_held_then_that_stays_said() -> None:
    world = PhoneWorld()
    await served(world, rooms=4)
    loses_its_rooms(world)
    await world.looks_twice()
    world.livekit.down = Fault.UNREACHABLE
    with pytest.raises(LiveKitError):
        await world.looks()
    assert world.reconcile.held is not None


async def test_given_replaced_rooms_then_however_many_are_not_held() -> None:
    world = PhoneWorld()
    await served(world, rooms=4)
    old = set(world.storage.stored)
    for number in range(1, 5):
        world.closes(f"room-{number}")
        world.joins(f"sip_new_{number}", f"room-{number}")
    done = await world.looks()
    assert done.held is None
    assert not any(world.storage.stored[one].is_live for one in old)
    assert [call.is_live for call in world.storage.calls] == [False] * 4 + [True] * 4


async def test_given_participants_are_missing_in_many_rooms_at_once_then_they_are_held_too() -> (
    None
):
    """A proxy that answers ListParticipants with an empty body ends no call."""
    world = PhoneWorld()
    await served(world, rooms=6)
    for room in world.livekit.open.values():
        room.people = {one.identity: one for one in room.people.values() if one.leg is None}
    done = await world.looks_twice()
    assert done.repairs["call_ended"] == 0
    assert done.held_entries == 6
    [*_, done] = await world.goes_on(2)
    assert done.repairs["call_ended"] == 6, "it is confirmed now"


async def test_given_another_replica_reconciles_then_an_old_finding_warns_no_more() -> None:
    world = PhoneWorld()
    await served(world, rooms=4)
    loses_its_rooms(world)
    await world.looks_twice()
    assert world.reconcile.warning() == world.reconcile.held

    world.clock.advance(3 * INTERVAL)
    assert world.reconcile.warning() is not None
    world.clock.advance(MOMENT)
    assert world.reconcile.warning() is None
