"""A call is what its facts say, in whatever order and however often they come.

Only here are facts alone, without webhooks and use cases.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, get_args, get_type_hints

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calls.apply_fact import apply
from domain.calls.call import Call, CallStatus, Precision
from domain.calls.call_facts import (
    ROOM_CLOSED,
    AgentDispatched,
    CallFact,
    LegDescribed,
    ParticipantLeft,
    ParticipantSeen,
    RoomClosed,
)
from domain.calls.dial_request import DialRequest
from domain.rooms.sip_leg import Direction, LegStatus, SipLeg
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import CallId, SessionId
from domain.shared.timeline import Source, TimelineEntry
from tests.unit.worlds.fakes import NOON

SESSION = SessionId("00000000-0000-7000-8000-000000000001")
LEG = SipLeg(
    room_name="call-_+15105550100_x7",
    room_sid="RM_1",
    participant_sid="PA_1",
    participant_identity="sip_+15105550100",
    joined_at=NOON,
    from_number="+15105550100",
    to_number="+15105550123",
)
OUTBOUND_LEG = attrs.evolve(LEG, direction=Direction.OUTBOUND)
NEW = Call(id=CallId("00000000-0000-7000-8000-000000000002"), leg=LEG)
PLACED = attrs.evolve(NEW, leg=OUTBOUND_LEG)
JOINED_RINGING, JOINED_ACTIVE = LegStatus.RINGING, LegStatus.ACTIVE


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def seen(status: LegStatus | None, seconds: float, source: Source = Source.WEBHOOK) -> CallFact:
    return ParticipantSeen(status, NOON + after(seconds), source)


def left(
    seconds: float,
    reason: str | None = "CLIENT_INITIATED",
    status: LegStatus | None = LegStatus.HANGUP,
    source: Source = Source.WEBHOOK,
    *,
    aborted: bool = False,
) -> CallFact:
    return ParticipantLeft(
        NOON + after(seconds), source, reason=reason, last_status=status, aborted=aborted
    )


def described(full: str | None, code: int | None, carriers: str | None) -> CallFact:
    leg = attrs.evolve(LEG, sip_call_id_full=full, sip_status_code=code, carrier_call_id=carriers)
    return LegDescribed(leg)


def placed(*facts: CallFact) -> Call:
    return told(*facts, call=PLACED)


def told(*facts: CallFact, call: Call = NEW) -> Call:
    return apply(call, *facts)


def summary(call: Call) -> tuple[CallStatus, float | None, str | None]:
    seconds = call.duration.total_seconds() if call.duration is not None else None
    return call.status, seconds, call.disconnect_reason


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (LegStatus.DIALING, CallStatus.CREATED),
        (LegStatus.RINGING, CallStatus.RINGING),
        (LegStatus.ACTIVE, CallStatus.ACTIVE),
        (LegStatus.AUTOMATION, CallStatus.ACTIVE),
        (LegStatus.HANGUP, CallStatus.CREATED),
        (None, CallStatus.ACTIVE),
    ],
)
def test_a_call_that_lives_is_where_its_leg_says(
    status: LegStatus | None, expected: CallStatus
) -> None:
    call = told(seen(status, 0))

    assert call.status is expected
    assert call.is_live
    assert call.duration is None


def test_a_call_rings_is_answered_and_ends() -> None:
    call = told(seen(JOINED_RINGING, 0), seen(JOINED_ACTIVE, 4, Source.RECONCILER), left(64))

    assert summary(call) == (CallStatus.ENDED, 60, "CLIENT_INITIATED")
    assert call.answered_at == NOON + after(4)
    assert [(entry.what, entry.source) for entry in call.timeline] == [
        ("joined", Source.WEBHOOK),
        ("ringing", Source.WEBHOOK),
        ("active", Source.RECONCILER),
        ("left", Source.WEBHOOK),
    ]


def test_a_call_that_was_ringing_when_last_seen_may_have_been_answered() -> None:
    call = told(seen(JOINED_RINGING, 0), left(9))

    assert summary(call) == (CallStatus.ENDED, None, "CLIENT_INITIATED")
    assert call.answered_at is None
    assert (call.answered_at_is, call.duration_is) == (Precision.UNKNOWN, Precision.UNKNOWN)


@pytest.mark.parametrize("last", [LegStatus.DIALING, LegStatus.RINGING])
def test_a_caller_who_leaves_while_it_rings_has_a_call_of_no_length(last: LegStatus) -> None:
    call = told(seen(JOINED_RINGING, 0), left(9, status=last))

    assert summary(call) == (CallStatus.ENDED, 0, "CLIENT_INITIATED")
    assert (call.answered_at_is, call.duration_is) == (Precision.EXACT, Precision.EXACT)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("USER_REJECTED", Precision.EXACT),
        ("USER_UNAVAILABLE", Precision.EXACT),
        ("SIP_TRUNK_FAILURE", Precision.EXACT),
        ("JOIN_FAILURE", Precision.EXACT),
        ("MEDIA_FAILURE", Precision.UNKNOWN),
        ("CONNECTION_TIMEOUT", Precision.UNKNOWN),
        ("SERVER_SHUTDOWN", Precision.UNKNOWN),
        (None, Precision.UNKNOWN),
    ],
)
def test_some_reasons_say_that_a_call_was_never_answered(
    reason: str | None, expected: Precision
) -> None:
    call = told(seen(JOINED_RINGING, 0), left(9, reason))

    assert call.answered_at is None
    assert call.answered_at_is is expected


def test_a_call_that_joined_active_was_answered_as_it_joined() -> None:
    call = told(seen(JOINED_ACTIVE, 0.7), left(30))

    assert (call.answered_at, call.answered_at_is) == (NOON, Precision.EXACT)
    assert (call.duration, call.duration_is) == (after(30), Precision.EXACT)


def test_a_placed_call_that_was_active_when_it_joined_was_answered_by_then() -> None:
    call = placed(seen(JOINED_ACTIVE, 0.7), left(30))

    assert (call.answered_at, call.answered_at_is) == (NOON + after(0.7), Precision.AT_MOST)
    assert (call.duration, call.duration_is) == (after(29.3), Precision.AT_LEAST)


def test_an_answer_that_was_only_looked_at_makes_the_duration_at_least_that() -> None:
    call = told(seen(JOINED_RINGING, 0), seen(JOINED_ACTIVE, 4, Source.RECONCILER), left(64))

    assert (call.answered_at_is, call.duration_is) == (Precision.AT_MOST, Precision.AT_LEAST)
    assert call.duration == after(60)


def test_an_end_that_was_found_makes_the_duration_at_most_that() -> None:
    found = left(12, None, None, Source.RECONCILER)
    finished = left(12, ROOM_CLOSED, None)

    for end in (found, finished):
        call = told(seen(JOINED_ACTIVE, 0), end)
        assert (call.duration, call.duration_is) == (after(12), Precision.AT_MOST)
        looked = told(
            seen(JOINED_RINGING, 0), seen(JOINED_RINGING, 3), seen(None, 8, Source.API), end
        )
        assert (looked.duration, looked.duration_is) == (after(9), Precision.AT_MOST)


def test_a_live_call_has_no_duration_and_may_have_been_answered_since() -> None:
    call = told(seen(JOINED_RINGING, 0))

    assert (call.duration, call.duration_is) == (None, None)
    assert (call.answered_at, call.answered_at_is) == (None, Precision.UNKNOWN)


def test_a_placed_call_with_a_full_call_id_was_answered_nobody_knows_when() -> None:
    answered = attrs.evolve(OUTBOUND_LEG, sip_call_id_full="8c6f@carrier")
    call = placed(seen(LegStatus.DIALING, 0), seen(JOINED_RINGING, 2, Source.RECONCILER), left(9))
    assert call.answered_at_is is Precision.UNKNOWN

    call = apply(call, LegDescribed(answered))

    assert (call.status, call.answered_at) == (CallStatus.ENDED, NOON + after(9))
    assert (call.duration, call.duration_is) == (after(7), Precision.AT_MOST)


def test_an_inbound_call_s_full_call_id_says_nothing_of_an_answer() -> None:
    leg = attrs.evolve(LEG, sip_call_id_full="8c6f@carrier")
    call = told(seen(JOINED_RINGING, 0), left(9), LegDescribed(leg))

    assert call.answered_at is None
    assert call.leg is not None
    assert call.leg.sip_call_id_full == "8c6f@carrier"


@pytest.mark.parametrize("reason", ["USER_REJECTED", "USER_UNAVAILABLE", "SIP_TRUNK_FAILURE"])
def test_a_call_that_nobody_took_failed(reason: str) -> None:
    assert told(seen(LegStatus.DIALING, 0), left(20, reason)).status is CallStatus.FAILED


def test_a_connection_that_was_aborted_failed() -> None:
    assert told(left(1, None, None, aborted=True)).status is CallStatus.FAILED


def test_an_answered_call_whose_trunk_fails_ended() -> None:
    call = told(seen(JOINED_ACTIVE, 0), left(5, "SIP_TRUNK_FAILURE"))

    assert summary(call) == (CallStatus.ENDED, 5, "SIP_TRUNK_FAILURE")


def test_a_call_that_left_before_it_joined_is_over_and_learns_the_rest_later() -> None:
    over = told(left(30))
    assert summary(over) == (CallStatus.ENDED, None, "CLIENT_INITIATED")

    complete = apply(over, seen(JOINED_ACTIVE, 0))

    assert summary(complete) == (CallStatus.ENDED, 30, "CLIENT_INITIATED")


def test_a_call_of_which_only_the_end_was_told_was_answered_if_it_was_active_then() -> None:
    assert summary(told(left(30, status=JOINED_ACTIVE)))[:2] == (CallStatus.ENDED, 30)


def test_a_call_that_rang_and_ended_active_was_answered_nobody_knows_when() -> None:
    call = told(seen(JOINED_RINGING, 0), left(30, status=JOINED_ACTIVE))

    assert (call.answered_at, call.answered_at_is) == (NOON + after(30), Precision.AT_MOST)
    assert (call.duration, call.duration_is) == (after(30), Precision.AT_MOST)


def test_a_room_that_finished_ends_its_calls_until_better_is_told() -> None:
    finished = left(50, ROOM_CLOSED, None)

    assert told(seen(JOINED_ACTIVE, 0), finished).disconnect_reason == ROOM_CLOSED
    better = told(seen(JOINED_ACTIVE, 0), finished, left(30))
    assert summary(better) == (CallStatus.ENDED, 30, "CLIENT_INITIATED")


def test_a_call_that_was_found_gone_has_no_reason() -> None:
    call = told(seen(JOINED_ACTIVE, 0), left(12, None, None, Source.RECONCILER))

    assert summary(call) == (CallStatus.ENDED, 12, None)


def test_an_end_is_never_before_the_answer() -> None:
    # LiveKit's clock and ours may differ.
    call = told(seen(JOINED_ACTIVE, 5, Source.RECONCILER), left(3))

    assert (call.duration, call.duration_is) == (timedelta(), Precision.AT_LEAST)


def test_the_session_that_serves_a_call_stays_the_first() -> None:
    another = SessionId("00000000-0000-7000-8000-000000000003")

    call = told(seen(JOINED_ACTIVE, 0), AgentDispatched(SESSION, NOON + after(1)))

    assert apply(call, AgentDispatched(another, NOON + after(2))).session_id == SESSION
    assert TimelineEntry(NOON + after(1), "agent_dispatched", Source.API) in call.timeline


def test_a_change_counts_the_version_up() -> None:
    assert NEW.stored() == attrs.evolve(NEW, version=1)
    assert NEW.stored().stored() == attrs.evolve(NEW, version=2)


@pytest.mark.parametrize("reason", ["CLIENT_INITIATED", "USER_REJECTED"])
@pytest.mark.parametrize("closed", [ROOM_CLOSED, "_".join(["ROOM", "CLOSED"])])
def test_any_reason_is_better_than_that_the_room_was_closed(reason: str, closed: str) -> None:
    for reasons in ((reason, closed), (closed, reason)):
        call = told(*(left(50, one) for one in reasons))
        assert call.disconnect_reason == reason


def test_of_two_reasons_the_same_is_kept_whichever_came_first() -> None:
    for reasons in (("CLIENT_INITIATED", "USER_REJECTED"), ("USER_REJECTED", "CLIENT_INITIATED")):
        call = told(*(left(50, one) for one in reasons))
        assert call.disconnect_reason == "CLIENT_INITIATED"


def test_a_call_that_left_did_not_break_off_unless_that_is_told() -> None:
    assert not apply(NEW, ParticipantLeft(NOON, Source.WEBHOOK)).aborted
    assert apply(NEW, ParticipantLeft(NOON, Source.WEBHOOK, aborted=True)).aborted


def test_an_id_is_a_uuid() -> None:
    with pytest.raises(InvalidInput, match="callId must be a UUID"):
        CallId("call-1")


SOURCES = st.just(Source.WEBHOOK)
REASONS = st.sampled_from([None, ROOM_CLOSED, "CLIENT_INITIATED", "USER_REJECTED"])
SECONDS = st.integers(0, 60)
FACTS = st.one_of(
    st.builds(seen, st.sampled_from(LegStatus) | st.none(), SECONDS, SOURCES),
    st.builds(
        left,
        SECONDS,
        REASONS,
        st.sampled_from(LegStatus) | st.none(),
        SOURCES,
        aborted=st.booleans(),
    ),
    st.builds(RoomClosed, SECONDS.map(lambda second: NOON + after(second)), SOURCES),
    # The first session stays, so that two sessions would not commute: one room has one at a time.
    st.builds(
        AgentDispatched,
        st.just(SESSION),
        SECONDS.map(lambda second: NOON + after(second)),
        st.just("tenant-1"),
    ),
    st.builds(
        described,
        st.sampled_from([None, "8c6f@carrier", "other@carrier"]),
        st.sampled_from([None, 100, 180, 200, 486]),
        st.sampled_from([None, "CA1", "CA2"]),
    ),
)


LOOKS = st.builds(
    lambda second, status: (second, seen(status, second, Source.RECONCILER)),
    SECONDS,
    st.sampled_from(LegStatus) | st.none(),
) | st.builds(
    lambda second, reason: (second, left(second, reason, None, Source.RECONCILER)),
    SECONDS,
    st.sampled_from([None, ROOM_CLOSED]),
)
"""What the one reconciler finds, and when: it looks in the order of time."""


def drawn_together(
    data: st.DataObject, heard: list[CallFact], found: list[CallFact]
) -> list[CallFact]:
    """What was heard in any order, some of it again, and what was found in its own."""
    again = data.draw(st.lists(st.sampled_from(heard), max_size=4)) if heard else []
    together = list(data.draw(st.permutations(heard + again)))
    places = sorted(data.draw(st.integers(0, len(together))) for _ in found)
    for number, (place, fact) in enumerate(zip(places, found, strict=True)):
        together.insert(place + number, fact)
    return together


def without_corrections(call: Call) -> Call:
    """A correction is noted only where a wrong conclusion was noted before it."""
    timeline = tuple(entry for entry in call.timeline if entry.what != "reopened")
    return attrs.evolve(call, timeline=timeline)


@given(
    heard=st.lists(FACTS, max_size=6),
    looks=st.lists(LOOKS, max_size=4, unique_by=lambda look: look[0]),
    data=st.data(),
)
def test_any_order_and_repetition_of_what_is_heard_and_found_is_the_same_call(
    heard: list[CallFact], looks: list[tuple[int, CallFact]], data: st.DataObject
) -> None:
    found = [fact for _, fact in sorted(looks, key=lambda look: look[0])]
    one, other = (drawn_together(data, heard, found) for _ in range(2))

    for call in (NEW, PLACED):
        assert without_corrections(told(*one, call=call)) == without_corrections(
            told(*other, call=call)
        )


REQUEST = DialRequest(
    room_name=LEG.room_name, participant_identity="sip_1", to_number="+15105550123", trunk_id="ST_1"
)
DIALLED = Call.placed(NEW.id, REQUEST, NOON - after(3), tenant="tenant-1")


@given(facts=st.lists(FACTS, max_size=6), data=st.data())
def test_a_dialled_call_whose_leg_is_reported_is_the_same_after_any_order_of_facts(
    facts: list[CallFact], data: st.DataObject
) -> None:
    joined = apply(DIALLED, LegDescribed(OUTBOUND_LEG))
    other = data.draw(st.permutations([*facts, LegDescribed(OUTBOUND_LEG)]))

    assert apply(joined, *facts) == apply(joined, *other)
    assert apply(joined, *facts).created_at == DIALLED.created_at


def test_a_leg_that_hides_the_numbers_keeps_those_that_were_asked_for() -> None:
    hidden = attrs.evolve(OUTBOUND_LEG, from_number=None, to_number=None)

    call = apply(DIALLED, LegDescribed(hidden))

    assert call.leg == attrs.evolve(hidden, to_number="+15105550123", trunk_id="ST_1")


def test_a_reported_number_is_shown_rather_than_the_one_that_was_asked_for() -> None:
    redirected = attrs.evolve(OUTBOUND_LEG, to_number="+15105550166")

    assert apply(DIALLED, LegDescribed(redirected)).parties.to_number == "+15105550166"


def test_a_dialled_call_that_nobody_takes_fails_without_a_leg() -> None:
    call = apply(DIALLED, left(4, "USER_UNAVAILABLE", None, Source.API))

    assert (call.status, call.leg, call.duration) == (CallStatus.FAILED, None, timedelta())
    assert (call.outline, call.joined_at) == (None, None)


@pytest.mark.parametrize(
    "fields",
    [{}, {"request": REQUEST}, {"leg": LEG, "request": REQUEST, "placed_at": NOON}],
    ids=["neither", "placed nobody knows when", "both"],
)
def test_a_call_has_a_leg_or_was_placed(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(NEW.id)):
        Call(id=NEW.id, **fields)


@given(facts=st.lists(FACTS, max_size=6))
def test_facts_that_are_applied_again_change_nothing(facts: list[CallFact]) -> None:
    call = apply(NEW, *facts)

    assert apply(call, *facts) == call


def plain(value: object) -> object:
    """``value`` in JSON, where it is a leaf."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def rebuilt(kind: Any, value: Any) -> Any:
    """The value of type ``kind`` that ``value`` was made from."""
    if get_args(kind):  # an optional field
        kind = get_args(kind)[0]
        return None if value is None else rebuilt(kind, value)
    if attrs.has(kind):
        types = get_type_hints(kind)
        return kind(**{name: rebuilt(types[name], field) for name, field in value.items()})
    return datetime.fromisoformat(value) if kind is datetime else kind(value)


@given(fact=FACTS)
def test_a_fact_is_read_from_the_json_that_it_was_written_to(fact: CallFact) -> None:
    fields = attrs.asdict(fact, value_serializer=lambda _, __, value: plain(value))

    assert rebuilt(type(fact), json.loads(json.dumps(fields))) == fact


@given(facts=st.lists(FACTS, max_size=8))
def test_a_call_whose_end_was_told_never_goes_back_to_life(facts: list[CallFact]) -> None:
    call, order = NEW, list(CallStatus)
    for fact in facts:
        further = apply(call, fact)
        if not call.is_live:
            assert not further.is_live
        elif further.is_live:
            assert order.index(further.status) >= order.index(call.status)
        call = further


def test_an_end_that_was_concluded_is_taken_back_when_the_caller_is_seen_again() -> None:
    concluded = told(seen(None, 0), left(20, ROOM_CLOSED, None, Source.RECONCILER))
    assert concluded.status is CallStatus.ENDED
    assert concluded.end_concluded

    call = told(seen(None, 30, Source.RECONCILER), call=concluded)

    assert call.is_live
    assert call.disconnect_reason is None
    assert [(entry.what, entry.source) for entry in call.timeline][-1] == (
        "reopened",
        Source.RECONCILER,
    )
    assert told(left(40), call=call).ended_at == NOON + after(40)


def test_an_end_that_was_told_corrects_one_that_was_concluded_and_stays() -> None:
    call = told(left(20, None, None, Source.RECONCILER), left(12, "CLIENT_INITIATED"))
    assert (call.ended_at, call.end_concluded) == (NOON + after(12), False)
    later = told(left(8, ROOM_CLOSED, None, Source.RECONCILER), call=call)
    assert later == call
    assert not told(seen(None, 50, Source.RECONCILER), call=call).is_live


@attrs.frozen
class Truth:
    """When a call was answered (None: never) and ended, in seconds after it joined."""

    answered: int | None
    ended: int
    looks: tuple[int, ...]
    end_heard: bool
    join_heard: bool
    says_hangup: bool
    outbound: bool

    def status_at(self, second: int) -> LegStatus:
        answered = self.answered is not None and second >= self.answered
        return LegStatus.ACTIVE if answered else LegStatus.RINGING

    def facts(self) -> list[CallFact]:
        """What is heard and seen of it, all of it true."""
        facts = [
            seen(self.status_at(second), second, Source.RECONCILER)
            for second in self.looks
            if second < self.ended
        ]
        if self.join_heard:
            facts.append(seen(self.status_at(0), 0))
        last = LegStatus.HANGUP if self.says_hangup else self.status_at(self.ended)
        if self.end_heard:
            facts.append(left(self.ended, status=last))
        found_at = max((second for second in self.looks if second >= self.ended), default=61)
        facts.append(left(found_at, None, None, Source.RECONCILER))
        return facts


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    ended = draw(st.integers(1, 50))
    return Truth(
        answered=draw(st.none() | st.integers(0, ended - 1)),
        ended=ended,
        looks=tuple(draw(st.lists(SECONDS, max_size=4))),
        end_heard=draw(st.booleans()),
        join_heard=draw(st.booleans()),
        says_hangup=draw(st.booleans()),
        outbound=draw(st.booleans()),
    )


@given(truth=truths(), data=st.data())
def test_what_is_said_of_the_answer_and_the_duration_is_true(
    truth: Truth, data: st.DataObject
) -> None:
    facts = data.draw(st.permutations(truth.facts()))
    call = told(*facts, call=PLACED if truth.outbound else NEW)

    answered = None if truth.answered is None else NOON + after(truth.answered)
    match call.answered_at_is:
        case Precision.EXACT:
            assert call.answered_at == answered
        case Precision.AT_MOST:
            assert answered is not None
            assert call.answered_at is not None
            assert answered <= call.answered_at
        case _:
            assert call.answered_at is None
    duration = after(truth.ended - (truth.ended if truth.answered is None else truth.answered))
    match call.duration_is:
        case Precision.EXACT:
            assert call.duration == duration
        case Precision.AT_LEAST:
            assert call.duration is not None
            assert call.duration <= duration
        case Precision.AT_MOST:
            assert call.duration is not None
            assert call.duration >= duration
        case _:
            assert call.duration is None
