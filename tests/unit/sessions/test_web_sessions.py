"""A browser's user gets the same care as a caller, with telephony and without."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.reconciliation.event_relevance import EventRelevance
from domain.sessions.retry_policy import LONGEST_RETRY, STAYED
from domain.sessions.session_status import SessionStatus
from tests.unit.worlds.telephony import INTERVAL, PhoneWorld
from tests.unit.worlds.world import ROOM

SECOND = timedelta(seconds=1)
MINUTE = 60 * SECOND


def world_of(*, telephony: bool) -> PhoneWorld:
    world = PhoneWorld()
    world.handle_room_event = attrs.evolve(
        world.handle_room_event, relevance=EventRelevance(telephony=telephony)
    )
    world.process_entry = attrs.evolve(
        world.process_entry, handle_room_event=world.handle_room_event
    )
    world.reconcile = world.new_reconcile(telephony=telephony)
    return world


async def served(world: PhoneWorld) -> None:
    """A user and an agent that has been there for long."""
    await world.start()
    world.user_joins()
    world.agents_join()
    await world.hears_all()
    await world.looks()
    world.clock.advance(STAYED)


def timeline(world: PhoneWorld) -> list[tuple[str, str]]:
    return [(entry.what, str(entry.source)) for entry in world.session().timeline]


@pytest.mark.parametrize("telephony", [False, True])
@pytest.mark.parametrize("heard", [False, True])
async def test_given_the_worker_was_killed_then_the_user_gets_another_agent(
    heard: bool,  # noqa: FBT001
    telephony: bool,  # noqa: FBT001
) -> None:
    """Once the user sat alone for ever beside an active session (p18_web_agent.py)."""
    world = world_of(telephony=telephony)
    await served(world)
    world.agents_leave()
    left_at = world.clock.now()
    if heard:
        await world.hears_all()
        assert world.session().agent_left_at == left_at
    else:
        await world.goes_on(2)
    await world.ledger.settled()
    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    assert len(world.livekit.expected(ROOM)) == 1
    assert timeline(world)[-2] == ("agent_left", "webhook" if heard else "reconciler")
    world.agents_join()
    await world.hears_all()
    assert world.session().status is SessionStatus.ACTIVE
    assert world.session().agent_left_at is None
    assert len(world.agents()) == 1


@pytest.mark.parametrize("telephony", [False, True])
async def test_given_no_worker_was_there_then_one_that_registers_later_is_found(
    telephony: bool,  # noqa: FBT001
) -> None:
    """LiveKit offers a dispatch to the workers of its moment only."""
    world = world_of(telephony=telephony)
    await world.start()
    world.user_joins()
    await world.hears_all()
    before = world.dispatches()
    for _ in range(30):
        await world.goes_on()
        if world.dispatches() != before:
            break
    assert world.clock.now() - world.session().created_at <= 2 * INTERVAL
    for _ in range(20):
        await world.goes_on()
    world.livekit.calls.clear()
    waited = timedelta()
    while not world.livekit.count("create"):
        await world.goes_on()
        waited += INTERVAL
    assert waited <= LONGEST_RETRY + 2 * INTERVAL
    world.agents_join()
    await world.hears_all()
    assert world.session().status is SessionStatus.ACTIVE
    assert len(world.agents()) == 1


async def test_given_no_agent_comes_then_the_session_says_so() -> None:
    world = world_of(telephony=False)
    await world.start()
    world.user_joins()
    await world.hears_all()
    seen = set()
    for _ in range(30):
        await world.goes_on()
        session = world.session()
        seen.add(session.status)
        expected = session.status is SessionStatus.AGENT_DISPATCHED
        assert session.agent_dispatched is expected
        assert session.agent_joined_at is None
    assert seen == {SessionStatus.AGENT_DISPATCHED, SessionStatus.DISPATCH_FAILED}
    assert ("agent_never_joined", "reconciler") in timeline(world)


async def test_given_nobody_is_there_then_no_further_agent_is_dispatched() -> None:
    world = world_of(telephony=False)
    await world.start()
    await world.goes_on(30)
    assert not world.session().agent_dispatched
    assert world.livekit.count("create") == 1
    world.user_joins()
    await world.hears_all()
    await world.ledger.settled()
    assert world.session().agent_dispatched
    assert world.livekit.count("create") == 2


async def test_given_the_user_leaves_then_the_agent_is_not_replaced_until_they_return() -> None:
    world = world_of(telephony=False)
    await served(world)
    world.leaves("user-1")
    world.agents_leave()
    await world.hears_all()
    await world.goes_on(6)
    assert not world.session().agent_dispatched
    assert world.livekit.count("create") == 1
    world.user_joins()
    await world.hears_all()
    await world.ledger.settled()
    assert world.session().agent_dispatched


async def test_given_a_telephone_without_telephony_then_it_is_a_person_like_others() -> None:
    world = world_of(telephony=False)
    await served(world)
    world.leaves("user-1")
    world.joins()
    world.agents_leave()
    await world.hears_all()
    await world.ledger.settled()
    assert world.storage.calls == []
    assert world.session().agent_dispatched
    assert world.livekit.count("create") == 2


async def test_a_session_that_retries_for_hours_keeps_its_first_and_latest_entries() -> None:
    world = world_of(telephony=False)
    await world.start()
    world.user_joins()
    await world.goes_on(300)
    entries = world.session().timeline
    assert len(entries) <= 40
    assert entries[0].what == "agent_dispatched"
    assert entries[0].at == world.session().created_at
    assert entries[-1].at > world.clock.now() - 2 * LONGEST_RETRY
