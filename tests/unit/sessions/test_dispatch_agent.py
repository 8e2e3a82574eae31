"""Dispatching once, for one who holds the claim."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from domain.access.access import SYSTEM, WORK, Access
from domain.rooms.dispatch import DispatchClaim
from domain.sessions.dispatch_agent import DispatchAgent
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import Conflict, SessionEnded, StorageUnavailable
from domain.shared.livekit_errors import LiveKitError
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.world import LEASE, MOMENT, ROOM, World


async def taken_over(world: World, session: Session) -> Session:
    """The same session, its claim in other hands."""
    world.clock.advance(LEASE)
    return await world.ledger.save(session.claimed("another", world.clock.now(), LEASE))


async def paused_dispatch(
    world: World, session: Session, *, after_applying: bool = True
) -> tuple[asyncio.Task[Session], asyncio.Event]:
    """A dispatch that waits in CreateDispatch, and what lets it go on."""
    pause = world.livekit.pause("create", after_applying=after_applying)
    task = asyncio.create_task(world.dispatch_agent(session))
    await pause.reached.wait()
    return task, pause.resumed


async def test_given_a_certain_claim_then_it_dispatches_and_records_it_unasked() -> None:
    world = World()
    session = await world.dispatch_agent(await world.claimed_session())
    assert world.livekit.calls == ["create"]
    await world.ledger.settled()
    assert session == world.session()
    assert session.status is SessionStatus.AGENT_DISPATCHED
    assert session.claim == DispatchClaim()


async def test_given_an_uncertain_claim_and_nothing_there_then_it_asks_first() -> None:
    world = World()
    session = await taken_over(world, await world.claimed_session())
    await world.dispatch_agent(session)
    assert world.livekit.calls == ["list", "create"]


async def test_given_an_uncertain_claim_and_a_dispatch_there_then_it_keeps_that() -> None:
    world = World()
    session = await world.claimed_session()
    task, _ = await paused_dispatch(world, session)
    task.cancel()
    session = await world.dispatch_agent(await taken_over(world, session))
    assert world.livekit.count("create") == 1
    assert [d.id for d in world.dispatches()] == [session.dispatch_id]


async def test_given_an_uncertain_claim_and_only_the_old_dispatch_then_it_replaces_it() -> None:
    world = World()
    session = await world.dispatch_agent(await world.claimed_session())
    await world.ledger.settled()
    claimed = await world.ledger.save(session.claimed("dead", world.clock.now(), LEASE))
    again = await world.dispatch_agent(await taken_over(world, claimed))
    assert [d.id for d in world.dispatches()] == [again.dispatch_id]
    assert again.dispatch_id != session.dispatch_id


async def test_given_a_5xx_then_the_claim_is_renewed_before_the_second_try() -> None:
    world = World()
    session = await world.claimed_session()
    world.livekit.fail("create", Fault.UNCERTAIN_BEFORE)
    world.livekit.fail("list", None)
    asked = world.livekit.pause("list")
    task = asyncio.create_task(world.dispatch_agent(session))
    await asked.reached.wait()
    world.clock.advance(LEASE - MOMENT)
    second = world.livekit.pause("create")
    asked.resumed.set()
    await second.reached.wait()
    assert world.session().claim.is_held(world.clock.now() + LEASE - MOMENT)
    assert world.session().claim.holder == "me"
    second.resumed.set()
    await task


async def test_given_a_5xx_and_a_lost_claim_then_there_is_no_second_try() -> None:
    world = World()
    session = await world.claimed_session()
    world.livekit.fail("create", Fault.UNCERTAIN_BEFORE)
    task, resumed = await paused_dispatch(world, session, after_applying=False)
    await taken_over(world, session)
    resumed.set()
    with pytest.raises(Conflict):
        await task
    assert world.livekit.count("create") == 1
    assert world.session().claim.holder == "another"


async def test_given_a_lost_claim_then_its_dispatch_is_deleted_and_the_other_goes_on() -> None:
    world = World()
    session = await world.claimed_session()
    task, resumed = await paused_dispatch(world, session)
    await taken_over(world, session)
    resumed.set()
    with pytest.raises(Conflict):
        await task
    assert world.dispatches() == []
    assert world.session().claim.holder == "another"


async def test_given_the_other_has_dispatched_too_then_only_that_one_stays() -> None:
    world = World()
    session = await world.claimed_session()
    task, resumed = await paused_dispatch(world, session, after_applying=False)
    other = await world.dispatch_agent(await taken_over(world, session))
    resumed.set()
    with pytest.raises(Conflict):
        await task
    assert [d.id for d in world.dispatches()] == [other.dispatch_id]


async def test_given_the_other_has_found_and_recorded_this_dispatch_then_it_stays() -> None:
    world = World()
    session = await world.claimed_session()
    task, resumed = await paused_dispatch(world, session)
    other = await world.dispatch_agent(await taken_over(world, session))
    resumed.set()
    assert await task == other
    assert [d.id for d in world.dispatches()] == [other.dispatch_id]


async def test_given_the_session_ended_meanwhile_then_its_dispatch_is_deleted() -> None:
    world = World()
    session = await world.claimed_session()
    task, resumed = await paused_dispatch(world, session)
    ended = session.ended(EndReason.ROOM_FINISHED, world.clock.now())
    await world.ledger.save(ended)
    resumed.set()
    await task
    await world.ledger.settled()
    [(_, error)] = world.lost
    assert isinstance(error, SessionEnded)
    assert ROOM in str(error)
    assert world.dispatches() == []
    assert world.session() == ended.stored()


async def test_given_the_session_ended_after_the_lease_then_the_caller_hears_of_it() -> None:
    world = World()
    session = await world.claimed_session()
    task, resumed = await paused_dispatch(world, session)
    world.clock.advance(LEASE)
    await world.ledger.save(session.ended(EndReason.ROOM_FINISHED, world.clock.now()))
    resumed.set()
    with pytest.raises(SessionEnded, match=ROOM):
        await task
    assert world.dispatches() == []


async def test_given_the_session_is_unheard_of_then_its_dispatch_is_deleted() -> None:
    world = World()
    session = world.new_session().claimed("me", world.clock.now(), LEASE)
    await world.dispatch_agent(session)
    await world.ledger.settled()
    [(_, error)] = world.lost
    assert isinstance(error, SessionEnded)
    assert world.dispatches() == []


async def test_given_the_lease_is_over_then_it_is_told_once_it_is_recorded() -> None:
    world = World()
    task, resumed = await paused_dispatch(world, await world.claimed_session())
    world.clock.advance(LEASE)
    resumed.set()
    session = await task
    assert session == world.session()
    assert session.status is SessionStatus.AGENT_DISPATCHED


async def test_given_it_is_told_then_every_look_shows_it_before_it_is_recorded() -> None:
    world = World()
    claimed = await world.claimed_session()
    session = await world.dispatch_agent(claimed)
    assert world.session() == claimed
    assert await world.ledger.get(session.id, SYSTEM) == session
    assert await world.ledger.live_in(session.room_name, SYSTEM) == session
    assert await world.ledger.newest_in(session.room_name, SYSTEM) == session
    assert (
        await world.ledger.newest_in(
            session.room_name, Access(tenant="another", scopes=WORK, sees_unowned=False)
        )
        is None
    )
    assert (await world.read_sessions.page(SessionFilter(), SYSTEM)).items == [session]
    assert world.session() == session


async def test_given_it_is_being_recorded_then_another_session_is_looked_up_as_ever() -> None:
    world = World()
    other = await world.claimed_session(room_name="room-2")
    session = await world.dispatch_agent(await world.claimed_session())
    assert await world.ledger.get(other.id, SYSTEM) == other
    assert await world.ledger.live_in(other.room_name, SYSTEM) == other
    assert await world.ledger.newest_in(other.room_name, SYSTEM) == other
    await world.ledger.settled()
    assert await world.ledger.get(session.id, SYSTEM) == session


async def test_given_a_stray_dispatch_that_cannot_be_deleted_then_the_next_start_takes_it_up() -> (
    None
):
    world = World()
    session = await world.claimed_session()
    task, resumed = await paused_dispatch(world, session, after_applying=False)
    await world.dispatch_agent(await taken_over(world, session))
    world.livekit.fail("delete_dispatch", Fault.UNREACHABLE)
    resumed.set()
    with pytest.raises(LiveKitError):
        await task
    (_, stray) = world.dispatches()
    world.clock.advance(LEASE)
    started = await world.start()
    assert started.session.dispatch_id == stray.id
    assert world.livekit.count("create") == 2


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMED_OUT_BEFORE])
async def test_given_a_failure_and_a_lost_claim_then_the_others_record_stands(
    fault: Fault,
) -> None:
    world = World()
    session = await world.claimed_session()
    world.livekit.fail("create", fault)
    task, resumed = await paused_dispatch(world, session, after_applying=False)
    other = await taken_over(world, session)
    resumed.set()
    with pytest.raises((Conflict, LiveKitError)):
        await task
    assert world.session() == other


async def test_given_the_ledger_fails_after_the_dispatch_then_the_next_start_finds_it() -> None:
    world = World()
    task, resumed = await paused_dispatch(world, await world.claimed_session())
    world.storage.broken = True
    resumed.set()
    session = await task
    await world.ledger.settled()
    [(lost, error)] = world.lost
    assert (lost, type(error)) == (session, StorageUnavailable)
    world.storage.broken = False
    world.clock.advance(LEASE)
    started = await world.start()
    assert world.livekit.count("create") == 1
    assert [d.id for d in world.dispatches()] == [started.session.dispatch_id]


class Stopped:
    """A process that was stopped since it took what it holds."""

    def may_have_lost(self, holder: str) -> bool:
        return holder == "me"


def stopped(world: World) -> DispatchAgent:
    """The use case in a process that was stopped."""
    renew = attrs.evolve(world.renew_claim, liveness=Stopped())
    return attrs.evolve(world.dispatch_agent, renew_claim=renew)


async def test_given_a_process_that_was_stopped_then_it_dispatches_only_if_it_has_its_claim() -> (
    None
):
    world = World()
    session = await world.claimed_session()
    dispatch = stopped(world)
    await taken_over(world, session)

    with pytest.raises(Conflict):
        await dispatch(session)

    assert world.dispatches() == []
    assert world.livekit.calls == []


async def test_given_a_process_that_was_stopped_and_not_missed_then_it_dispatches_once() -> None:
    world = World()
    session = await world.claimed_session()

    dispatched = await stopped(world)(session)

    assert dispatched.agent_dispatched
    assert len(world.dispatches()) == 1
    assert world.session() == dispatched, "it is durable before the answer"
