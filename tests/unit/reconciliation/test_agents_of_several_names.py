"""A room with agents of several names has one, which is its session's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.access.access import Access
from domain.sessions.late_agents import LATE_BY
from tests.unit.reconciliation.test_late_agent_of_another_name import HOWS, OTHER, learns, start
from tests.unit.worlds.fake_livekit import Fault
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import AGENT, MOMENT, ROOM


async def concluded(world: PhoneWorld) -> None:
    """A session with another agent that was taken to have ended while its agent served a user."""
    await start(world, OTHER)
    world.user_joins()
    await world.hears_all()
    world.agents_join()
    await world.hears_all()
    world.livekit.lies.update({"list_rooms", "find"})
    await world.goes_on(4)
    world.livekit.lies.clear()
    assert world.session().end_concluded


@pytest.mark.parametrize("says_its_name", [True, False])
@pytest.mark.parametrize("after", [timedelta(), LATE_BY + MOMENT])
async def test_given_a_wrong_conclusion_then_the_next_session_has_one_agent(
    after: timedelta,
    says_its_name: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    world.livekit.agents_say_their_name = says_its_name
    await concluded(world)
    world.clock.advance(after)

    second = await start(world, AGENT)

    assert world.agents() == []
    world.agents_join()
    await world.hears_all()
    await world.goes_on()
    assert world.agents() == [f"agent-{second.dispatch_id}"]


@pytest.mark.parametrize("says_its_name", [True, False])
async def test_given_livekit_failed_at_the_start_then_the_reconciler_removes_the_agent(
    says_its_name: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    world.livekit.agents_say_their_name = says_its_name
    await concluded(world)
    world.livekit.fail("delete_dispatch", Fault.UNREACHABLE)

    second = await start(world, AGENT)
    world.agents_join()
    assert len(world.agents()) == 2
    await world.goes_on()

    assert world.agents() == [f"agent-{second.dispatch_id}"]


@pytest.mark.parametrize("joins_first", ["the rule's agent", "the caller"])
@pytest.mark.parametrize("how", HOWS)
async def test_a_routed_caller_has_the_numbers_agent_though_a_rule_dispatches_the_default_one(
    how: str, joins_first: str
) -> None:
    world = PhoneWorld()
    carl = Access(tenant="carl")
    saved = await world.manage_agents.create({"name": "answers", "agentName": OTHER}, carl)
    number = {"number": "+15105550123", "agentId": str(saved.id)}
    await world.manage_phone_numbers.create(number, carl)
    world.livekit.dispatches_of_others(ROOM, AGENT)
    if joins_first == "the rule's agent":
        world.agents_join()
    leg = world.joins()

    await learns(world, how)
    world.agents_join()
    await learns(world, how)
    await world.goes_on()

    session = world.session()
    assert (world.call(leg).session_id, session.agent_name) == (session.id, OTHER)
    assert world.agents() == [f"agent-{session.dispatch_id}"]
    assert [one.agent_name for one in world.dispatches()] == [OTHER]


@pytest.mark.parametrize("how", HOWS)
async def test_given_a_rule_brings_the_default_agent_late_then_it_is_removed(how: str) -> None:
    world = PhoneWorld()
    session = await start(world, OTHER)
    world.user_joins()
    world.agents_join()
    await world.hears_all()
    world.livekit.dispatches_of_others(ROOM, AGENT)
    world.agents_join()

    await learns(world, how)
    await world.goes_on()

    assert world.agents() == [f"agent-{session.dispatch_id}"]
