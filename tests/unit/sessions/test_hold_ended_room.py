"""While an ended session's room is held, no session begins in it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import ClaimHeld, Conflict, SessionBusy
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import LEASE, MOMENT, ROOM, World


async def ended(world: World) -> Session:
    await world.start()
    await world.end()
    return world.session()


async def test_the_room_has_a_claimed_session_within_and_the_ended_one_after() -> None:
    world = World()
    session = await ended(world)
    async with world.hold_room(session):
        [held] = world.storage.live_in(ROOM)
        assert held.id == session.id
        assert held.claim.is_held(world.clock.now() + LEASE - MOMENT)
        assert not held.claim.is_held(world.clock.now() + LEASE)
        assert not held.agent_dispatched
    after = world.session()
    assert (after.status, after.end_reason) == (SessionStatus.ENDED, EndReason.ENDED_BY_CALLER)
    assert (after.ended_at, after.timeline) == (session.ended_at, session.timeline)
    assert world.storage.live_in(ROOM) == []


async def test_a_session_that_begins_meanwhile_waits() -> None:
    world = World()
    session = await ended(world)
    async with world.hold_room(session):
        starting = asyncio.create_task(world.start())
        for _ in range(50):
            await asyncio.sleep(0)
        assert world.livekit.count("create") == 1
    started = await starting
    assert started.session.id != session.id
    assert world.livekit.count("create") == 2


async def test_a_session_that_begins_meanwhile_gives_up_in_the_end() -> None:
    world = World(patience=timedelta(seconds=1))
    session = await ended(world)
    async with world.hold_room(session):
        with pytest.raises(SessionBusy):
            await world.start()


async def test_two_cannot_hold_it_at_once() -> None:
    world = World()
    session = await ended(world)
    async with world.hold_room(session):
        with pytest.raises(Conflict):
            async with world.hold_room(session):
                pytest.fail("it is held")
        with pytest.raises(ClaimHeld):
            world.session().claimed("other", world.clock.now(), LEASE)
    assert not world.session().is_live


async def test_given_a_session_has_begun_there_then_it_is_not_held() -> None:
    world = World()
    session = await ended(world)
    await world.start()
    with pytest.raises(Conflict):
        async with world.hold_room(session):
            pytest.fail("another session has the room")
    assert world.session().is_live


async def test_given_an_error_within_then_the_session_has_ended_all_the_same() -> None:
    world = World()
    session = await ended(world)

    async def fail() -> None:
        async with world.hold_room(session):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert world.session().end_reason is EndReason.ENDED_BY_CALLER
    await world.start()


async def killed_while_it_holds(world: World) -> Session:
    """A process that held the room of an ended session is no more."""
    session = await ended(world)
    world.storage.kills = True

    async def hold() -> None:
        async with world.hold_room(session):
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    for _ in range(20):
        await asyncio.sleep(0)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    assert world.session().version == session.version + 1
    return session


async def test_given_a_crash_within_then_the_next_start_dispatches_one_agent() -> None:
    world = World()
    await killed_while_it_holds(world)
    started = await world.start()
    assert started.session.agent_dispatched
    assert len(world.dispatches()) == 1
    assert len(world.storage.live_in(ROOM)) == 1


@pytest.mark.parametrize("person", [False, True])
async def test_given_a_crash_within_then_the_session_does_not_come_back(
    person: bool,  # noqa: FBT001
) -> None:
    """Whoever has a token that is still valid gets no agent of a session that was ended."""
    world = PhoneWorld()
    session = await killed_while_it_holds(world)
    if person:
        world.user_joins()
    await world.hears_all()
    await world.goes_on(4)
    after = world.session()
    assert (after.id, after.status) == (session.id, SessionStatus.ENDED)
    assert (after.end_reason, after.ended_at) == (session.end_reason, session.ended_at)
    assert world.livekit.count("create") == 1
