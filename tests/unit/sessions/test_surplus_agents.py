"""A second agent in a room is found and removed, wherever it came from."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.sessions.session_status import SessionStatus
from domain.shared.livekit_errors import LiveKitUncertain
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import AGENT, ROOM

SECOND = timedelta(seconds=1)


async def served(world: PhoneWorld, *, phone: bool = False) -> str:
    """A person and an agent, whose identity is returned."""
    if phone:
        world.joins()
        await world.hears_all()
    else:
        await world.start()
        world.user_joins()
    world.agents_join()
    await world.hears_all()
    await world.ledger.settled()
    await world.looks()
    world.clock.advance(10 * SECOND)
    [identity] = world.agents()
    assert identity == world.session().agent_identity
    return identity


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("names", [False, True])
async def test_given_another_programs_dispatch_then_its_agent_is_removed_within_an_interval(
    phone: bool,  # noqa: FBT001
    names: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    world.livekit.agents_say_their_name = names
    if not names:
        await world.start()
        world.user_joins()
        world.agents_join()
        await world.goes_on(2)
        [kept] = world.agents()
    else:
        kept = await served(world, phone=phone)
    world.livekit.dispatches_of_others(ROOM, AGENT)
    world.livekit.agents_join(ROOM)
    assert len(world.agents()) == 2

    [done] = await world.goes_on()

    assert done.repairs == {"surplus_removed": 1}
    assert world.agents() == [kept]
    assert len(world.dispatches()) == 1
    [done] = await world.goes_on()
    assert done.repairs == {}
    assert world.livekit.count("create") == 1


async def test_given_a_dispatch_that_landed_after_its_time_out_then_one_agent_stays() -> None:
    world = PhoneWorld()
    world.livekit.fail("create", Fault.TIMED_OUT_LATE)
    with pytest.raises(LiveKitUncertain):
        await world.start()
    world.user_joins()
    world.clock.advance(20 * SECOND)  # longer than LiveKit was given to finish
    await world.hears_all()
    await world.works_off()
    await world.goes_on()
    world.livekit.catch_up()
    world.livekit.agents_join(ROOM)
    await world.goes_on(2)
    assert len(world.agents()) == 1
    assert len(world.dispatches()) == 1
    assert world.session().status is SessionStatus.ACTIVE
    assert world.agents() == [world.session().agent_identity]


async def test_given_an_agent_without_a_dispatch_then_it_is_removed_by_itself() -> None:
    """Its dispatch was deleted while a worker had its job, or with an earlier room."""
    world = PhoneWorld()
    kept = await served(world)
    world.agent_joins("agent-AJ_late")
    await world.goes_on()
    assert world.agents() == [kept]
    assert len(world.dispatches()) == 1


async def test_given_a_surplus_dispatch_whose_agent_is_on_its_way_then_it_is_deleted() -> None:
    world = PhoneWorld()
    kept = await served(world)
    world.livekit.dispatches_of_others(ROOM, AGENT)
    world.reconcile = world.new_reconcile()  # whoever looks for the first time lists dispatches
    await world.goes_on()
    assert len(world.dispatches()) == 1
    world.livekit.agents_join(ROOM)
    assert world.agents() == [kept]


async def test_given_the_kept_agent_leaves_later_then_the_session_still_gets_another() -> None:
    world = PhoneWorld()
    await served(world)
    world.livekit.dispatches_of_others(ROOM, AGENT)
    world.livekit.agents_join(ROOM)
    await world.goes_on()
    world.clock.advance(60 * SECOND)
    world.agents_leave()
    await world.hears_all()
    await world.ledger.settled()
    assert len(world.livekit.expected(ROOM)) == 1


async def test_given_livekit_fails_then_the_next_look_removes_what_is_surplus() -> None:
    world = PhoneWorld()
    kept = await served(world)
    world.livekit.dispatches_of_others(ROOM, AGENT)
    world.livekit.agents_join(ROOM)
    world.livekit.fail("delete_dispatch", Fault.UNREACHABLE)
    [done] = await world.goes_on()
    assert done.failures == {"livekit_unreachable": 1}
    assert len(world.agents()) == 2
    await world.goes_on()
    assert world.agents() == [kept]


async def test_given_an_agent_of_another_name_beside_ours_then_both_stay() -> None:
    world = PhoneWorld()
    await served(world)
    world.livekit.dispatches_of_others(ROOM, "another")
    world.livekit.agents_join(ROOM)
    before = world.agents()
    await world.goes_on(3)
    assert world.agents() == before
    assert len(before) == 2


async def test_given_only_another_programs_agent_of_ours_then_it_is_adopted_and_stays() -> None:
    """A restored ledger, or a rule that dispatches by itself."""
    world = PhoneWorld()
    world.livekit.dispatches_of_others(ROOM, AGENT)
    world.livekit.agents_join(ROOM)
    world.user_joins()
    await world.start()
    await world.goes_on(10)
    assert len(world.agents()) == 1
    assert world.livekit.count("create") == 0
    assert world.livekit.count("delete_dispatch") == 0
    assert world.session().status is SessionStatus.ACTIVE
    assert world.session().agent_adopted


async def test_given_the_ledger_was_lost_then_calls_and_their_agents_are_taken_up_again() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    world.agents_join()
    lost = PhoneWorld()
    lost.livekit.open.update(world.livekit.open)
    lost.stays.append(leg)
    await lost.goes_on(3)
    assert lost.call(leg).session_id == lost.session().id
    assert lost.session().agent_adopted
    assert lost.livekit.count("create") == 0
    assert len(lost.agents()) == 1
