"""What follows when agents come and go and rooms finish; whose session an event is about."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest

from domain.call import CallStatus, LegStatus
from domain.room import Participant, ParticipantKind, Room
from domain.room_event import EventKind, RoomEvent
from domain.session import EndReason, SessionStatus
from tests.unit.domain.telephony import PhoneWorld
from tests.unit.domain.world import AGENT, MOMENT, ROOM

SECOND = timedelta(seconds=1)


def event(kind: EventKind, sid: str, at: datetime) -> RoomEvent:
    """An agent of ours comes or goes, or the room finishes."""
    agent = Participant("agent-1", ParticipantKind.AGENT, AGENT)
    is_rooms = kind is EventKind.ROOM_FINISHED
    return RoomEvent(
        kind=kind, room=Room(ROOM, sid), at=at, participant=None if is_rooms else agent
    )


async def test_a_connection_that_was_aborted_makes_an_unanswered_call_a_failed_one() -> None:
    world = PhoneWorld()
    leg = world.joins(status=LegStatus.RINGING)
    world.leaves(kind=EventKind.PARTICIPANT_CONNECTION_ABORTED, reason="CLIENT_INITIATED")
    await world.hears_all()
    assert world.call(leg).status is CallStatus.FAILED


# An agent has joined


@pytest.mark.parametrize(
    ("later", "status"),
    [
        (-MOMENT, SessionStatus.AGENT_DISPATCHED),
        (timedelta(), SessionStatus.ACTIVE),
        (MOMENT, SessionStatus.ACTIVE),
    ],
)
async def test_an_agent_who_joined_before_the_session_began_was_an_earlier_ones(
    later: timedelta, status: SessionStatus
) -> None:
    world = PhoneWorld()
    session = (await world.start()).session

    at = session.created_at + later
    await world.handle_event(event(EventKind.PARTICIPANT_JOINED, "RM_1", at))

    assert world.session().status is status
    assert world.session().active_at == (None if later < timedelta() else at)


@pytest.mark.parametrize(
    ("sid", "status"),
    [("RM_1", SessionStatus.ACTIVE), ("RM_2", SessionStatus.AGENT_DISPATCHED)],
)
async def test_an_agent_who_joined_another_instance_of_the_room_was_an_earlier_ones(
    sid: str, status: SessionStatus
) -> None:
    world = PhoneWorld()
    session = (await world.start()).session
    await world.ledger.save(attrs.evolve(session, room_sid="RM_1"))

    await world.handle_event(event(EventKind.PARTICIPANT_JOINED, sid, world.clock.now()))

    assert world.session().status is status
    assert world.session().room_sid == "RM_1"


async def test_what_is_known_of_an_agent_is_not_written_again() -> None:
    world = PhoneWorld()
    await world.start()
    joined = event(EventKind.PARTICIPANT_JOINED, "RM_1", world.clock.now())
    await world.handle_event(joined)
    session = world.session()
    world.clock.advance(SECOND)

    await world.handle_event(attrs.evolve(joined, at=world.clock.now()))

    assert world.session() == session


async def test_an_agent_of_a_start_that_was_broken_off_is_left_to_whoever_takes_it_over() -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    world.pass_lease()

    await world.handle_event(event(EventKind.PARTICIPANT_JOINED, "RM_1", world.clock.now()))

    assert world.session() == session


async def test_an_agent_in_a_room_without_a_session_is_none_of_its_business() -> None:
    world = PhoneWorld()

    await world.handle_event(event(EventKind.PARTICIPANT_JOINED, "RM_1", world.clock.now()))

    assert not world.storage.stored
    assert world.livekit.calls == []


# An agent has left


async def test_an_agent_that_left_at_once_is_looked_after_when_it_is_ten_seconds_old() -> None:
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.agents_join()
    world.clock.advance(3 * SECOND)
    world.agents_leave()
    await world.hears(world.told[-1])
    now = world.clock.now()
    [entry] = await world.inbox.claim("me", now, now + SECOND, 1)

    again = await world.handle_entry(entry, "me")

    assert again.due_at == now + 7 * SECOND
    assert again.failures == 0


async def test_given_the_session_has_ended_then_a_caller_whose_agent_left_gets_another() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    old = world.session()
    await world.ledger.save(old.ended(EndReason.ENDED_BY_CALLER, world.clock.now()))
    world.clock.advance(SECOND)

    await world.handle_event(
        event(EventKind.PARTICIPANT_LEFT, leg.room_sid, world.clock.now()),
    )

    await world.ledger.settled()
    assert world.session().id != old.id
    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    assert world.livekit.count("create") == 2


async def test_given_no_agent_was_dispatched_yet_then_a_strangers_leaving_waits_for_nothing() -> (
    None
):
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    undone = attrs.evolve(
        world.session().with_dispatch_failed(world.clock.now(), uncertain=False),
        dispatched_at=None,
        dispatch_id=None,
    )
    await world.ledger.save(undone)
    world.livekit.opens(ROOM).dispatches.clear()

    await world.handle_event(event(EventKind.PARTICIPANT_LEFT, leg.room_sid, world.clock.now()))

    assert world.livekit.count("create") == 2


async def test_an_agent_that_leaves_a_room_without_callers_is_not_replaced() -> None:
    world = PhoneWorld()
    await world.start()
    sid = world.livekit.opens(ROOM).sid
    world.livekit.calls.clear()
    world.clock.advance(60 * SECOND)

    await world.handle_event(event(EventKind.PARTICIPANT_LEFT, sid, world.clock.now()))

    assert world.livekit.calls == []


# A room has finished


async def test_a_session_ends_with_its_room_at_the_time_that_livekit_tells() -> None:
    world = PhoneWorld()
    await world.start()
    world.livekit.closes(ROOM)
    at = world.clock.now()
    world.clock.advance(30 * SECOND)

    await world.handle_event(event(EventKind.ROOM_FINISHED, "RM_1", at))

    assert world.session().end_reason is EndReason.ROOM_FINISHED
    assert world.session().ended_at == at


@pytest.mark.parametrize(("sid", "asked"), [("RM_1", ["find"]), ("RM_2", [])])
async def test_a_room_that_finished_is_looked_for_only_if_it_is_the_sessions(
    sid: str, asked: list[str]
) -> None:
    world = PhoneWorld()
    session = (await world.start()).session
    await world.ledger.save(attrs.evolve(session, room_sid="RM_1"))
    world.livekit.closes(ROOM)
    world.livekit.calls.clear()

    await world.handle_event(event(EventKind.ROOM_FINISHED, sid, world.clock.now()))

    assert world.livekit.calls == asked
    assert world.session().is_live is not bool(asked)


async def test_a_session_whose_dispatch_has_brought_the_room_back_goes_on() -> None:
    world = PhoneWorld()
    await world.start()
    world.livekit.agents_join(ROOM)

    await world.handle_event(event(EventKind.ROOM_FINISHED, "RM_before", world.clock.now()))

    assert world.session().is_live


async def test_a_room_without_a_session_that_finishes_is_asked_about_nothing() -> None:
    world = PhoneWorld()

    await world.handle_event(event(EventKind.ROOM_FINISHED, "RM_1", world.clock.now()))

    assert world.livekit.calls == []
