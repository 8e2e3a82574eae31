"""What follows when agents come and go and rooms finish; whose session an event is about."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest

from domain.access.access import SYSTEM
from domain.calls.call import CallStatus
from domain.inbox.entry import InboxStatus
from domain.rooms.room import Participant, ParticipantKind, Room
from domain.rooms.room_event import EventKind, RoomEvent
from domain.rooms.sip_leg import LegStatus
from domain.sessions.retry_policy import FIRST_RETRY, LONGEST_RETRY, STAYED
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.errors import ClaimHeld
from tests.unit.worlds.telephony import PhoneWorld
from tests.unit.worlds.world import AGENT, MOMENT, ROOM

SECOND = timedelta(seconds=1)
JOINED, LEFT = EventKind.PARTICIPANT_JOINED, EventKind.PARTICIPANT_LEFT
FINISHED = EventKind.ROOM_FINISHED


def event(
    kind: EventKind, sid: str, at: datetime, identity: str = "agent-1", name: str = AGENT
) -> RoomEvent:
    """An agent comes or goes, or the room finishes."""
    agent = Participant(identity, ParticipantKind.AGENT, name)
    is_rooms = kind is EventKind.ROOM_FINISHED
    return RoomEvent(
        kind=kind, room=Room(ROOM, sid), at=at, participant=None if is_rooms else agent
    )


async def handles(world: PhoneWorld, what: RoomEvent, received_at: datetime | None = None) -> None:
    """An event that was received just now, or then."""
    await world.handle_room_event(what, received_at or world.clock.now())


async def due(world: PhoneWorld) -> datetime:
    """When the newest event is handled again, after an attempt that was no failure."""
    await world.hears(world.told[-1])
    now = world.clock.now()
    [entry] = await world.inbox.claim("me", now, now + SECOND, 1)
    again = await world.process_entry(entry, "me")
    assert (again.status, again.failures) == (InboxStatus.PENDING, 0)
    return again.due_at


async def test_a_connection_that_was_aborted_makes_an_unanswered_call_a_failed_one() -> None:
    world = PhoneWorld()
    leg = world.joins(status=LegStatus.RINGING)
    world.leaves(kind=EventKind.PARTICIPANT_CONNECTION_ABORTED, reason="CLIENT_INITIATED")
    await world.hears_all()
    assert world.call(leg).status is CallStatus.FAILED


# An agent has joined


async def test_an_agent_that_was_expected_is_seen_and_nothing_is_asked() -> None:
    world = PhoneWorld()
    session = (await world.start()).session
    world.clock.advance(3 * SECOND)
    world.livekit.calls.clear()

    await handles(world, event(JOINED, "RM_1", world.clock.now()))

    seen = world.session()
    assert seen.status is SessionStatus.ACTIVE
    assert (seen.room_sid, seen.agent_identity) == ("RM_1", "agent-1")
    assert seen.agent_joined_at == session.created_at + 3 * SECOND
    assert [(entry.what, str(entry.source)) for entry in seen.timeline] == [
        ("agent_dispatched", "api"),
        ("agent_joined", "webhook"),
    ]
    assert world.latencies == [3 * SECOND]
    assert world.livekit.calls == []


async def test_an_event_that_was_received_before_the_session_began_is_an_earlier_ones() -> None:
    world = PhoneWorld()
    session = (await world.start()).session

    await handles(world, event(JOINED, "RM_1", session.created_at), session.created_at - MOMENT)

    assert world.session() == session


@pytest.mark.parametrize("is_there", [False, True])
async def test_given_livekit_dates_the_event_before_the_session_then_it_is_asked(
    is_there: bool,  # noqa: FBT001
) -> None:
    """Its clock may be late, or the event an earlier agent's."""
    world = PhoneWorld()
    session = (await world.start()).session
    if is_there:
        world.livekit.agents_join(ROOM)
    early = session.created_at - 10 * SECOND

    await handles(world, event(JOINED, "RM_1", early, f"agent-{session.dispatch_id}"))

    expected = SessionStatus.ACTIVE if is_there else SessionStatus.AGENT_DISPATCHED
    assert world.session().status is expected
    assert world.livekit.count("participants") == 1


async def test_an_agent_whose_joining_is_heard_of_after_its_successors_dispatch_is_not_seen() -> (
    None
):
    """LiveKit sends a room's events in no order."""
    world = PhoneWorld()
    world.joins()
    await world.hears_all()
    world.agents_join()
    joined = world.reader.events[-1]
    world.clock.advance(5 * SECOND)
    world.agents_leave()
    await world.hears(world.told[-1])
    await world.works_off()
    await world.ledger.settled()
    second = world.session()
    assert (second.status, second.dispatch_attempts) == (SessionStatus.AGENT_DISPATCHED, 2)

    await handles(world, joined)

    assert world.session() == second
    assert world.latencies == []


async def test_an_agent_that_joined_and_is_not_listed_does_not_lose_the_sessions_own() -> None:
    """One answer without the session's agent may be wrong; the reconciler looks again."""
    world = PhoneWorld()
    await world.serves()
    session = world.session()
    world.livekit.agents_leave(ROOM)

    await handles(world, event(JOINED, session.room_sid or "", world.clock.now(), "agent-2"))

    assert world.session() == session


async def test_an_agent_who_joined_another_instance_of_the_room_was_an_earlier_ones() -> None:
    world = PhoneWorld()
    session = (await world.start()).session
    world.livekit.agents_join(ROOM)
    sid = world.livekit.open[ROOM].sid
    await world.ledger.save(attrs.evolve(session, room_sid=sid))

    await handles(world, event(JOINED, "RM_before", world.clock.now(), "agent-before"))

    assert world.session().room_sid == sid
    assert world.session().agent_identity == f"agent-{session.dispatch_id}", "who is there"


async def test_what_is_known_of_an_agent_is_not_written_again() -> None:
    world = PhoneWorld()
    await world.start()
    joined = event(JOINED, "RM_1", world.clock.now())
    await handles(world, joined)
    session = world.session()
    world.clock.advance(SECOND)
    world.livekit.calls.clear()

    await handles(world, attrs.evolve(joined, at=world.clock.now()))

    assert world.session() == session
    assert world.livekit.calls == []
    assert len(world.latencies) <= 1


async def test_an_agent_of_another_name_is_none_of_ours() -> None:
    world = PhoneWorld()
    session = (await world.start()).session

    await handles(world, event(JOINED, "RM_1", world.clock.now(), name="another"))

    assert world.session() == session


async def test_an_agent_of_a_start_that_was_broken_off_is_found_and_seen() -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    await world.agent_comes_late(session)
    sid = world.livekit.open[ROOM].sid
    joined = event(JOINED, sid, world.clock.now(), world.agents()[0])
    with pytest.raises(ClaimHeld):
        await handles(world, joined)
    world.pass_lease()

    await handles(world, joined)

    found = world.session()
    assert (found.status, found.room_sid) == (SessionStatus.ACTIVE, sid)
    assert [one.id for one in world.dispatches()] == [found.dispatch_id]
    assert not found.claim.is_unsettled


async def test_an_agent_in_a_room_that_never_had_a_session_is_none_of_its_business() -> None:
    world = PhoneWorld()
    world.agent_joins("agent-x")

    await handles(world, event(JOINED, world.livekit.open[ROOM].sid, world.clock.now()))

    assert not world.storage.stored
    assert world.livekit.calls == []
    assert world.agents() == ["agent-x"]


async def test_a_second_agent_is_removed_when_it_joins() -> None:
    world = PhoneWorld()
    await world.start()
    world.user_joins()
    world.agents_join()
    await world.hears_all()
    first = world.session()
    surplus = world.livekit.dispatches_of_others(ROOM, AGENT)

    world.agents_join()
    await world.hears_all()

    assert world.agents() == [first.agent_identity]
    assert surplus.id not in [one.id for one in world.dispatches()]
    assert world.session() == first


async def test_an_agent_that_joins_after_its_session_has_ended_is_removed_with_its_room() -> None:
    world = PhoneWorld()
    await world.start()
    await world.end()
    world.agent_joins("agent-late")

    await world.hears_all()

    assert ROOM not in world.livekit.open
    assert not world.session().is_live


# An agent has left


async def agent_crashes(world: PhoneWorld, after: timedelta) -> None:
    """A caller's agent leaves so long after it has joined; the event is not heard yet."""
    world.joins()
    await world.hears_all()
    world.agents_join()
    await world.hears_all()
    world.clock.advance(after)
    world.agents_leave()


async def test_an_agent_that_left_at_once_is_replaced_when_its_back_off_is_over() -> None:
    world = PhoneWorld()
    await agent_crashes(world, SECOND)
    dispatched_at = world.session().dispatched_at
    assert dispatched_at is not None

    assert await due(world) == dispatched_at + FIRST_RETRY

    left = world.session()
    assert left.status is SessionStatus.DISPATCH_FAILED
    assert not left.agent_dispatched
    assert left.agent_left_at == world.clock.now()
    assert (left.timeline[-1].what, str(left.timeline[-1].source)) == ("agent_left", "webhook")
    assert world.livekit.count("create") == 1
    world.clock.advance(FIRST_RETRY)
    await world.works_off()
    await world.ledger.settled()
    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    assert world.livekit.count("create") == 2
    assert len(world.livekit.expected(ROOM)) == 1


async def test_an_agent_that_stayed_for_a_minute_is_replaced_at_once() -> None:
    world = PhoneWorld()
    await agent_crashes(world, STAYED)
    await world.hears_all()
    await world.ledger.settled()
    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    assert world.livekit.count("create") == 2


async def test_an_agent_that_crashes_each_time_is_replaced_later_and_later() -> None:
    world = PhoneWorld()
    await agent_crashes(world, SECOND)
    gaps = []
    for _ in range(8):
        began, made = world.clock.now(), world.livekit.count("create")
        while world.livekit.count("create") == made:
            await world.hears_all()
            world.clock.advance(SECOND)
        gaps.append(world.clock.now() - began)
        world.agents_join()
        await world.hears_all()
        world.agents_leave()
    assert gaps == sorted(gaps)
    assert gaps[0] <= FIRST_RETRY
    assert LONGEST_RETRY - SECOND <= gaps[-1] <= LONGEST_RETRY + SECOND


async def test_given_the_session_has_ended_then_a_caller_whose_agent_left_gets_another() -> None:
    world = PhoneWorld()
    leg = world.joins()
    await world.hears_all()
    old = world.session()
    await world.ledger.save(old.ended(EndReason.ENDED_BY_CALLER, world.clock.now()))
    world.livekit.open[ROOM].dispatches.clear()
    world.clock.advance(SECOND)

    await handles(world, event(LEFT, leg.room_sid, world.clock.now()))

    await world.ledger.settled()
    assert world.session().id != old.id
    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    assert world.livekit.count("create") == 2


@pytest.mark.parametrize("says_its_name", [True, False])
async def test_given_a_number_s_agent_that_left_after_its_session_then_its_caller_gets_another(
    says_its_name: bool,  # noqa: FBT001
) -> None:
    world = PhoneWorld()
    agent = await world.manage_agents.create({"name": "a", "agentName": "support"}, SYSTEM)
    number = {"number": "+15105550123", "agentId": str(agent.id)}
    await world.manage_phone_numbers.create(number, SYSTEM)
    await world.serves()
    old = world.session()
    await world.ledger.save(old.ended(EndReason.ENDED_BY_CALLER, world.clock.now()))
    world.livekit.open[ROOM].dispatches.clear()
    world.livekit.agents_leave(ROOM)
    world.clock.advance(SECOND)

    name = "support" if says_its_name else None
    gone = Participant(old.agent_identity or "", ParticipantKind.AGENT, name)
    left = event(LEFT, old.room_sid or "", world.clock.now())
    await handles(world, attrs.evolve(left, participant=gone))

    await world.ledger.settled()
    assert world.session().id != old.id
    assert (world.session().agent_name, world.session().agent_id) == ("support", agent.id)
    assert world.session().status is SessionStatus.AGENT_DISPATCHED


@pytest.mark.parametrize("what", ["another name", "another instance", "another agent"])
async def test_an_agent_that_is_not_the_sessions_leaves_without_consequence(what: str) -> None:
    world = PhoneWorld()
    await world.serves()
    session = world.session()
    world.livekit.calls.clear()
    identity = "agent-2" if what == "another agent" else session.agent_identity or ""
    sid = "RM_before" if what == "another instance" else session.room_sid or ""
    name = "another" if what == "another name" else AGENT

    await handles(world, event(LEFT, sid, world.clock.now(), identity, name))

    assert world.session() == session
    assert world.livekit.calls == []


async def test_an_agent_that_leaves_a_room_without_people_is_not_replaced() -> None:
    world = PhoneWorld()
    await world.start()
    world.agents_join()
    await world.hears_all()
    world.clock.advance(STAYED)
    world.agents_leave()

    await world.hears_all()

    assert world.session().status is SessionStatus.DISPATCH_FAILED
    assert world.session().agent_left_at == world.clock.now()
    assert world.livekit.count("create") == 1


# A person has joined


async def without_agent(world: PhoneWorld) -> Session:
    """A session in whose room nobody is, and whose agent has left long ago."""
    await world.start()
    world.agents_join()
    await world.hears_all()
    world.clock.advance(STAYED)
    world.agents_leave()
    await world.hears_all()
    return world.session()


async def test_a_person_who_comes_to_a_session_without_an_agent_gets_one() -> None:
    world = PhoneWorld()
    await without_agent(world)
    world.user_joins()
    await world.hears_all()
    await world.ledger.settled()
    assert world.session().status is SessionStatus.AGENT_DISPATCHED
    assert world.livekit.count("create") == 2


async def test_a_person_who_comes_while_an_agent_is_there_changes_nothing() -> None:
    world = PhoneWorld()
    await world.start()
    world.agents_join()
    await world.hears_all()
    session = world.session()
    world.livekit.calls.clear()
    world.user_joins()
    await world.hears_all()
    assert world.session() == session
    assert world.livekit.calls == []


async def test_a_person_who_comes_to_a_room_without_a_session_gets_no_agent() -> None:
    world = PhoneWorld()
    world.user_joins()
    await world.hears_all()
    assert world.livekit.calls == []
    assert not world.storage.stored


async def test_a_person_who_comes_during_a_back_off_is_served_when_it_is_over() -> None:
    world = PhoneWorld()
    session = await world.claimed_session()
    failed = session.with_dispatch_failed(world.clock.now(), uncertain=False)
    await world.ledger.save(failed)
    world.user_joins()

    assert await due(world) == failed.retry_at

    world.clock.advance(FIRST_RETRY)
    await world.works_off()
    await world.ledger.settled()
    assert world.session().status is SessionStatus.AGENT_DISPATCHED


# A room has finished


async def test_a_session_ends_with_its_room_at_the_time_that_livekit_tells() -> None:
    world = PhoneWorld()
    await world.start()
    world.livekit.closes(ROOM)
    at = world.clock.now()
    world.clock.advance(30 * SECOND)

    await handles(world, event(FINISHED, "RM_1", at))

    ended = world.session()
    assert ended.end_reason is EndReason.ROOM_FINISHED
    assert ended.ended_at == at
    assert not ended.end_concluded, "LiveKit said so"
    assert (ended.timeline[-1].what, str(ended.timeline[-1].source)) == ("ended", "webhook")


@pytest.mark.parametrize(("sid", "asked"), [("RM_1", ["find"]), ("RM_2", [])])
async def test_a_room_that_finished_is_looked_for_only_if_it_is_the_sessions(
    sid: str, asked: list[str]
) -> None:
    world = PhoneWorld()
    session = (await world.start()).session
    await world.ledger.save(attrs.evolve(session, room_sid="RM_1"))
    world.livekit.closes(ROOM)
    world.livekit.calls.clear()

    await handles(world, event(FINISHED, sid, world.clock.now()))

    assert world.livekit.calls == asked
    assert world.session().is_live is not bool(asked)


async def test_a_session_whose_dispatch_has_brought_the_room_back_goes_on() -> None:
    world = PhoneWorld()
    await world.start()
    world.livekit.agents_join(ROOM)

    await handles(world, event(FINISHED, "RM_before", world.clock.now()))

    assert world.session().is_live


async def test_a_room_without_a_session_that_finishes_is_asked_about_nothing() -> None:
    world = PhoneWorld()

    await handles(world, event(FINISHED, "RM_1", world.clock.now()))

    assert world.livekit.calls == []
