"""A person comes with a token before LiveKit lists them, or after other sessions in the room."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.calls.assign_agent import LISTED_WITHIN
from domain.inbox.entry import InboxStatus
from domain.sessions.session_status import SessionStatus
from domain.shared.errors import AnsweredSessionEnded
from tests.unit.worlds.telephony import PhoneWorld


async def served(world: PhoneWorld, identity: str, dispatch: str | None = "on_join") -> None:
    """A session in the room, whose user and agent have joined."""
    await world.start(identity, dispatch=dispatch)
    world.user_joins(identity)
    await world.hears_all()
    world.agents_join()
    await world.hears_all()


@pytest.mark.parametrize("after", ["a token", "a session"])
async def test_given_livekit_lists_the_person_later_then_the_event_dispatches_the_agent(
    after: str,
) -> None:
    world = PhoneWorld()
    if after == "a token":
        await world.start(dispatch="on_join")
    else:
        await served(world, "user-1")
        world.closes()
        await world.hears_all()
    before = len(world.dispatches())
    world.livekit.lies.add("participants")
    world.user_joins()
    await world.hears(world.told[-1])
    await world.works_off()
    assert len(world.dispatches()) == before
    world.livekit.lies.clear()

    world.clock.advance(LISTED_WITHIN)
    await world.works_off()

    assert len(world.dispatches()) == before + 1
    assert {entry.status for entry in await world.inbox.list(None, 9)} == {InboxStatus.HANDLED}


async def test_given_the_person_has_left_then_the_event_is_handled_in_the_end() -> None:
    world = PhoneWorld()
    await world.start(dispatch="on_join")
    world.user_joins()
    world.leaves("user-1")
    await world.hears_all()

    world.clock.advance(LISTED_WITHIN)
    await world.works_off()

    assert world.dispatches() == []
    assert {entry.status for entry in await world.inbox.list(None, 9)} == {InboxStatus.HANDLED}


async def test_given_a_wrong_conclusion_then_a_second_person_joins_the_same_session() -> None:
    world = PhoneWorld()
    await served(world, "user-1")
    first = world.session()
    world.livekit.lies.update({"list_rooms", "find"})
    await world.goes_on(4)
    world.livekit.lies.clear()
    assert world.session().end_concluded

    world.user_joins("user-2")
    await world.hears_all()

    assert world.session().id == first.id
    assert world.session().status is SessionStatus.ACTIVE
    assert world.agents() == [first.agent_identity]
    assert world.livekit.count("create") == 1


@pytest.mark.parametrize("how", ["its webhook", "no webhook"])
@pytest.mark.parametrize("is_ended_by_caller", [True, False])
async def test_a_token_is_good_after_a_later_session_whose_agent_was_dispatched_at_once(
    how: str,
    is_ended_by_caller: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    await served(world, "user-1")
    world.closes()
    await world.hears_all()
    await served(world, "user-2", dispatch=None)
    if is_ended_by_caller:
        await world.end()
    else:
        world.closes()
        await world.hears_all()
    world.clock.advance(timedelta(minutes=5))

    world.user_joins("user-1")
    if how == "its webhook":
        await world.hears_all()
    else:
        await world.looks()

    assert len(world.dispatches()) == (0 if is_ended_by_caller else 1)
    assert world.session().is_live is not is_ended_by_caller


async def test_a_renewal_that_an_end_overtakes_is_refused() -> None:
    world = PhoneWorld()
    await world.start(dispatch="on_join")
    session = world.session()
    await world.end()

    with pytest.raises(AnsweredSessionEnded):
        await world.renew_token.extend_wait(session, timedelta(minutes=10))
