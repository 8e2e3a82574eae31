"""Whatever becomes known of a session or a call, its events never contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.agents.agent_config import AgentConfig
from domain.calls.apply_fact import apply
from domain.calls.call import Call, CallStatus
from domain.calls.call_events import call_events, end_announced
from domain.calls.call_facts import (
    ROOM_CLOSED,
    CallFact,
    ParticipantLeft,
    ParticipantSeen,
    RoomClosed,
)
from domain.events.announcer import Announcer
from domain.events.domain_event import DomainEvent, EventKind, NewEvent
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.sessions.session_events import session_events
from domain.sessions.session_status import EndReason
from domain.shared.errors import IllegalTransition
from domain.shared.identifiers import CallId, Identity, RoomName, SessionId
from domain.shared.timeline import Source
from tests.unit.worlds.fakes import FakeClock, SequentialIds

K = EventKind
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
ANNOUNCER = Announcer(
    ids=SequentialIds(), clock=FakeClock(), present=lambda _: "{}", grace=timedelta(seconds=10)
)
SESSION = Session(
    id=SessionId("00000000-0000-7000-8000-000000000001"),
    room_name=RoomName("room-1"),
    identity=Identity("ann"),
    agent_name="agent",
    agent_config=AgentConfig.parse(None),
    created_at=START,
)
CALL = Call(
    id=CallId("00000000-0000-7000-a000-000000000001"),
    leg=SipLeg(
        room_name="call-1",
        room_sid="RM_1",
        participant_sid="PA_1",
        participant_identity="sip_1",
        joined_at=START,
        direction=Direction.INBOUND,
    ),
)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def kinds(events: Sequence[DomainEvent]) -> list[EventKind]:
    return [event.kind for event in events]


def check(found: Sequence[EventKind], created: EventKind, corrected: EventKind) -> None:
    """The lane begins with the creation, and an end is said again after a correction only.

    A call is answered once, and does not ring after that.
    """
    ends = {K.SESSION_ENDED, K.CALL_ENDED, K.CALL_FAILED}
    assert found[0] is created
    assert created not in found[1:]
    assert found.count(K.CALL_ANSWERED) <= 1, found
    if K.CALL_ANSWERED in found:
        assert K.CALL_RINGING not in found[found.index(K.CALL_ANSWERED) :], found
    is_ended = False
    for kind in found:
        if kind in ends:
            assert not is_ended, found
            is_ended = True
        elif kind is corrected:
            is_ended = False  # it says what is true now
        else:
            assert not is_ended, found


SECONDS = st.integers(0, 60)
SOURCES = st.sampled_from([Source.WEBHOOK, Source.RECONCILER, Source.API])
SEEN = st.builds(
    ParticipantSeen,
    st.sampled_from([None, *LegStatus]),
    SECONDS.map(at),
    st.sampled_from([Source.WEBHOOK, Source.RECONCILER]),
)
LEFT = st.builds(
    ParticipantLeft,
    SECONDS.map(at),
    SOURCES,
    reason=st.sampled_from([None, ROOM_CLOSED, "CLIENT_INITIATED", "USER_REJECTED"]),
    last_status=st.sampled_from([None, *LegStatus]),
    aborted=st.booleans(),
)
CLOSED = st.builds(RoomClosed, SECONDS.map(at), SOURCES)
ANNOUNCE = st.just("announce")
CALL_STEPS = st.lists(st.one_of(SEEN, LEFT, CLOSED, ANNOUNCE), max_size=12)


def told(steps: Sequence[Any]) -> tuple[Call, list[DomainEvent]]:
    """The call after facts that are stored one by one, and its events."""
    events = call_events(ANNOUNCER, CALL, CALL, is_new=True)
    call = CALL
    for step in steps:
        if step == "announce":
            after = end_announced(call) if call.end_pending else call
        else:
            after = apply(call, step)
        events += call_events(ANNOUNCER, after, after, is_new=False)
        call = after.stored()
    return call, events


@given(CALL_STEPS)
def test_a_call_s_events_are_consistent(steps: Sequence[Any]) -> None:
    call, events = told(steps)

    found = kinds(events)
    check(found, K.CALL_CREATED, K.CALL_CORRECTED)
    assert K.CALL_CORRECTED in found or len({*found}) == len(found)
    if call.is_end_announced:
        # What was said last of the end is what the ledger has.
        failed = call.status is CallStatus.FAILED
        assert found[-1] in (K.CALL_FAILED if failed else K.CALL_ENDED, K.CALL_CORRECTED)


@given(CALL_STEPS)
def test_a_call_s_course_is_told_before_its_end(steps: Sequence[Any]) -> None:
    _, events = told(steps)

    found = kinds(events)
    if K.CALL_CORRECTED in found:
        return
    order = [K.CALL_CREATED, K.CALL_RINGING, K.CALL_ANSWERED, K.CALL_ENDED, K.CALL_FAILED]
    places = [order.index(kind) for kind in found]
    assert places == sorted(places)
    assert not {K.CALL_ENDED, K.CALL_FAILED} <= {*found}


@given(st.lists(st.one_of(SEEN, LEFT, CLOSED), max_size=6))
def test_facts_that_are_repeated_are_no_news(facts: list[CallFact]) -> None:
    call = apply(CALL, *facts).stored()

    assert apply(call, *facts).news == ()


@given(st.lists(st.one_of(SEEN, LEFT, CLOSED), max_size=6))
def test_facts_at_once_give_the_same_news_as_a_call_that_is_new(facts: list[CallFact]) -> None:
    call = apply(CALL, *facts)

    found = kinds(call_events(ANNOUNCER, call, call, is_new=True))
    check(found, K.CALL_CREATED, K.CALL_CORRECTED)
    assert K.CALL_CORRECTED not in found
    assert (K.CALL_ENDED in found or K.CALL_FAILED in found) is call.is_end_announced


def test_what_is_learned_after_the_announcement_is_a_correction() -> None:
    steps = [
        ParticipantSeen(LegStatus.ACTIVE, at(0), Source.WEBHOOK),
        ParticipantLeft(at(40), Source.RECONCILER),
        "announce",
        ParticipantLeft(at(30), Source.WEBHOOK, reason="CLIENT_INITIATED"),
    ]

    _, events = told(steps)

    expected = [K.CALL_CREATED, K.CALL_ANSWERED, K.CALL_ENDED, K.CALL_CORRECTED]
    assert kinds(events) == expected
    assert events[-1].occurred_at == at(30)


def test_an_answer_that_was_told_with_an_end_is_not_told_again() -> None:
    steps = [
        ParticipantLeft(at(10), Source.RECONCILER, last_status=LegStatus.ACTIVE),
        "announce",
        ParticipantSeen(LegStatus.RINGING, at(20), Source.RECONCILER),
        ParticipantLeft(at(30), Source.RECONCILER),
        "announce",
    ]

    call, events = told(steps)

    assert kinds(events) == [
        K.CALL_CREATED,
        K.CALL_ANSWERED,
        K.CALL_ENDED,
        K.CALL_CORRECTED,
        K.CALL_ENDED,
    ]
    assert call.answered_at == at(10)


def test_an_end_that_was_undone_before_it_was_announced_was_never_said() -> None:
    steps = [
        ParticipantLeft(at(10), Source.RECONCILER),
        ParticipantSeen(LegStatus.ACTIVE, at(20), Source.RECONCILER),
    ]

    call, events = told(steps)

    assert kinds(events) == [K.CALL_CREATED, K.CALL_ANSWERED]
    assert not call.end_pending


def moves() -> st.SearchStrategy[Any]:
    """Moves of a session by name, with what they need."""
    return st.one_of(
        st.tuples(st.just("dispatched"), SECONDS),
        st.tuples(st.just("failed"), SECONDS),
        st.tuples(st.just("seen"), SECONDS, st.sampled_from([None, "agent-1", "agent-2"])),
        st.tuples(st.just("lost"), SECONDS),
        st.tuples(st.just("ended"), SECONDS, st.booleans()),
        st.tuples(st.just("by_caller"), SECONDS),
        st.tuples(st.just("reopened"), SECONDS),
        st.tuples(st.just("claimed"), SECONDS),
        st.tuples(st.just("held"), SECONDS),
        st.tuples(st.just("announce"), SECONDS),
    )


def moved(session: Session, move: tuple[Any, ...]) -> Session:  # noqa: PLR0911 - one by move
    name, seconds = move[:2]
    now, lease = at(seconds), timedelta(seconds=9)
    match name:
        case "dispatched":
            return session.with_agent_dispatched(f"AD_{seconds}", now)
        case "failed":
            return session.with_dispatch_failed(now, uncertain=False)
        case "seen":
            return session.activated("RM_1", now, SeenAgent(identity=move[2]), Source.WEBHOOK)
        case "lost":
            return session.without_agent(now, Source.RECONCILER)
        case "ended":
            return session.ended(EndReason.ROOM_FINISHED, now, concluded=move[2])
        case "by_caller":
            return session if session.is_live else session.ended_by_caller_too(now)
        case "reopened":
            return session if session.is_live else session.reopened(now, Source.RECONCILER)
        case "claimed":
            return session.claimed("me", now, lease).released()
        case "held":
            if session.is_live:
                return session
            return session.claimed_after_end("me", now, lease).ended_again()
    assert name == "announce"
    is_due = session.end_pending and not session.is_live
    return session.end_announced() if is_due else session


@given(st.lists(moves(), max_size=15))
def test_a_session_s_events_are_consistent(steps: Sequence[tuple[Any, ...]]) -> None:
    events = session_events(ANNOUNCER, SESSION, SESSION, is_new=True)
    session = SESSION
    for step in steps:
        try:
            after = moved(session, step)
        except IllegalTransition:
            continue
        events += session_events(ANNOUNCER, after, after, is_new=False)
        session = after.stored()

    found = kinds(events)
    check(found, K.SESSION_CREATED, K.SESSION_CORRECTED)
    is_announced = not session.is_live and not session.end_pending
    assert (found[-1] in (K.SESSION_ENDED, K.SESSION_CORRECTED)) >= is_announced


def test_holding_an_ended_session_s_room_is_no_news() -> None:
    ended = SESSION.ended(EndReason.ROOM_FINISHED, at(1)).stored()

    held = ended.claimed_after_end("me", at(2), timedelta(seconds=9))

    assert held.news == ()
    assert held.stored().ended_again().news == ()
    again = held.stored().ended(EndReason.ENDED_BY_CALLER, at(3))
    assert [one.kind for one in again.news] == [K.SESSION_CORRECTED]


def test_a_caller_s_end_of_an_ended_session_corrects_its_reason() -> None:
    ended = SESSION.ended(EndReason.ROOM_FINISHED, at(1)).stored()
    pending = SESSION.ended(EndReason.ROOM_FINISHED, at(1), concluded=True).stored()
    by_caller = SESSION.ended(EndReason.ENDED_BY_CALLER, at(1)).stored()

    assert [one.kind for one in ended.ended_by_caller_too(at(2)).news] == [K.SESSION_CORRECTED]
    assert [one.kind for one in pending.ended_by_caller_too(at(2)).news] == [K.SESSION_ENDED]
    assert by_caller.ended_by_caller_too(at(2)).news == ()


def test_a_new_event_s_data_is_json_text() -> None:
    new = NewEvent(kind=K.USAGE_READY, occurred_at=START, source=Source.WORKER, data={"a": "é"})

    assert new.text == '{"a":"é"}'
    assert attrs.evolve(new, data=b'{"a":2}').text == '{"a":2}'
    alone = ANNOUNCER.event(new, None)
    assert alone.lane == str(alone.id)


@pytest.mark.parametrize("is_new", [True, False])
def test_without_news_nothing_is_rendered(is_new: bool) -> None:  # noqa: FBT001
    def fail(_: object) -> str:
        raise AssertionError

    announcer = attrs.evolve(ANNOUNCER, present=fail)
    if is_new:
        with pytest.raises(AssertionError):
            session_events(announcer, SESSION, SESSION, is_new=True)
    else:
        assert session_events(announcer, SESSION, SESSION, is_new=False) == []
