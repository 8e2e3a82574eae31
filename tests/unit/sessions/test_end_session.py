"""Ending a room and its session."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from domain.access.access import SYSTEM
from domain.rooms.dispatch import DispatchClaim
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import InvalidInput, NotFound, SessionBusy, StorageUnavailable
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import LEASE, MOMENT, ROOM, World

SCRIPTED = [fault for fault in Fault if fault is not Fault.TIMED_OUT_LATE]


@pytest.mark.parametrize("room_name", [ROOM, f" {ROOM}\n"])
async def test_given_a_live_session_then_the_room_is_deleted_and_the_session_ends(
    room_name: str,
) -> None:
    world = World()
    await world.start()
    world.livekit.agents_join(ROOM)
    await world.end(room_name)
    session = world.session()
    assert ROOM not in world.livekit.open
    assert session.status is SessionStatus.ENDED
    assert (session.end_reason, session.ended_at) == (
        EndReason.ENDED_BY_CALLER,
        world.clock.now(),
    )
    assert session.claim == DispatchClaim()


async def test_given_a_session_whose_dispatch_failed_then_it_ends_too() -> None:
    world = World()
    world.livekit.fail("create", Fault.REFUSED)
    with pytest.raises(LiveKitError):
        await world.start()
    await world.end()
    assert world.session().status is SessionStatus.ENDED


async def test_given_a_room_that_livekit_has_closed_then_the_session_ends() -> None:
    world = World()
    await world.start()
    world.livekit.closes(ROOM)
    await world.end()
    assert world.session().end_reason is EndReason.ENDED_BY_CALLER


async def test_given_an_ended_session_then_ending_again_succeeds_and_changes_nothing() -> None:
    world = World()
    await world.start()
    await world.end()
    before = world.session()
    world.clock.advance(MOMENT)
    await world.end()
    assert attrs.evolve(world.session(), version=before.version) == before


async def test_given_an_ended_session_whose_room_is_back_then_the_room_is_deleted() -> None:
    world = World()
    await world.start()
    await world.end()
    world.livekit.opens(ROOM)
    await world.end()
    assert ROOM not in world.livekit.open


async def test_given_a_room_of_somebody_else_then_it_is_deleted() -> None:
    world = World()
    world.livekit.opens(ROOM)
    await world.end()
    assert ROOM not in world.livekit.open
    assert world.storage.stored == {}


async def test_given_a_room_that_nobody_knows_then_that_is_said() -> None:
    world = World()
    await world.start(room_name="another")
    with pytest.raises(NotFound, match=ROOM) as caught:
        await world.end()
    assert caught.value.details["field"] == "roomName"
    assert "another" in world.livekit.open


@pytest.mark.parametrize("bad", ["", " ", "x" * 513, "a\x00", None, 7])
async def test_given_a_bad_room_name_then_nothing_is_asked(bad: Any) -> None:
    world = World()
    with pytest.raises(InvalidInput) as caught:
        await world.end(bad)
    assert caught.value.details["field"] == "roomName"
    assert world.livekit.calls == []


@pytest.mark.parametrize("fault", SCRIPTED)
async def test_given_livekit_fails_then_the_session_stays_live_and_free(fault: Fault) -> None:
    world = World()
    await world.start()
    world.livekit.fail("delete_room", fault)
    with pytest.raises(LiveKitError):
        await world.end()
    session = world.session()
    assert session.status is SessionStatus.AGENT_DISPATCHED
    assert session.claim == DispatchClaim()


@pytest.mark.parametrize("fault", SCRIPTED)
async def test_given_livekit_back_then_ending_again_works(fault: Fault) -> None:
    world = World()
    await world.start()
    world.livekit.fail("delete_room", fault)
    with pytest.raises(LiveKitError):
        await world.end()
    await world.end()
    assert world.session().end_reason is EndReason.ENDED_BY_CALLER
    assert ROOM not in world.livekit.open


@pytest.mark.parametrize("fault", [f for f in SCRIPTED if not f.applied])
async def test_given_no_session_and_livekit_fails_then_it_is_an_error_not_a_404(
    fault: Fault,
) -> None:
    world = World()
    world.livekit.fail("delete_room", fault)
    with pytest.raises(LiveKitError):
        await world.end()


async def test_given_an_uncertain_dispatch_then_a_failed_end_keeps_it_uncertain() -> None:
    world = World()
    world.livekit.fail("create", Fault.TIMED_OUT_BEFORE)
    world.livekit.fail("delete_room", Fault.UNREACHABLE)
    with pytest.raises(LiveKitError):
        await world.start()
    with pytest.raises(LiveKitError):
        await world.end()
    assert world.session().claim.uncertain
    assert not world.session().claim.is_held(world.clock.now())


async def test_given_a_running_claim_then_the_room_is_not_touched_until_it_is_free() -> None:
    world = World(patience=LEASE / 2)
    await world.claimed_session("somebody")
    world.livekit.opens(ROOM)
    began = world.clock.now()
    with pytest.raises(SessionBusy):
        await world.end()
    assert ROOM in world.livekit.open
    world.clock.advance(LEASE - (world.clock.now() - began))
    await world.end()
    assert world.session().status is SessionStatus.ENDED


async def test_given_no_ledger_then_the_room_is_not_touched() -> None:
    world = World()
    await world.start()
    world.storage.broken = True
    with pytest.raises(StorageUnavailable):
        await world.end()
    assert ROOM in world.livekit.open


async def test_given_several_sessions_then_only_the_live_one_is_ended() -> None:
    world = World()
    first = (await world.start()).session
    await world.end()
    ended_first = await world.read_sessions.by_id(str(first.id), SYSTEM)
    world.clock.advance(MOMENT)
    await world.start()
    await world.end()
    assert world.storage.live_in(ROOM) == []
    assert await world.read_sessions.by_id(str(first.id), SYSTEM) == ended_first
