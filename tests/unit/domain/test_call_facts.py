"""A call is what its facts say, in whatever order and however often they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.call import (
    ROOM_CLOSED,
    Call,
    CallStatus,
    LegStatus,
    PhoneLeg,
    Source,
    TimelineEntry,
)
from domain.errors import InvalidInput
from domain.identifiers import CallId, SessionId
from tests.unit.domain.fakes import NOON

Fact = Callable[[Call], Call]

SESSION = SessionId("00000000-0000-7000-8000-000000000001")
NEW = Call(
    id=CallId("00000000-0000-7000-8000-000000000002"),
    leg=PhoneLeg(
        room_name="call-_+15105550100_x7",
        room_sid="RM_1",
        participant_sid="PA_1",
        participant_identity="sip_+15105550100",
        joined_at=NOON,
        from_number="+15105550100",
        to_number="+15105550123",
    ),
)
JOINED_RINGING, JOINED_ACTIVE = LegStatus.RINGING, LegStatus.ACTIVE


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def seen(status: LegStatus | None, seconds: float, source: Source = Source.WEBHOOK) -> Fact:
    return lambda call: call.seen(status, NOON + after(seconds), source)


def left(
    seconds: float,
    reason: str | None = "CLIENT_INITIATED",
    status: LegStatus | None = LegStatus.HANGUP,
    source: Source = Source.WEBHOOK,
    *,
    aborted: bool = False,
) -> Fact:
    return lambda call: call.gone(
        NOON + after(seconds), source, reason=reason, last_status=status, aborted=aborted
    )


def told(*facts: Fact) -> Call:
    call = NEW
    for fact in facts:
        call = fact(call)
    return call


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


def test_a_caller_who_gives_up_while_it_rings_has_a_call_of_no_length() -> None:
    call = told(seen(JOINED_RINGING, 0), left(9))

    assert summary(call) == (CallStatus.ENDED, 0, "CLIENT_INITIATED")
    assert call.answered_at is None


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
    assert summary(over) == (CallStatus.ENDED, 0, "CLIENT_INITIATED")

    complete = seen(JOINED_ACTIVE, 0)(over)

    assert summary(complete) == (CallStatus.ENDED, 30, "CLIENT_INITIATED")


def test_a_call_of_which_only_the_end_was_told_was_answered_if_it_was_active_then() -> None:
    assert summary(told(left(30, status=JOINED_ACTIVE)))[:2] == (CallStatus.ENDED, 30)


def test_a_call_that_rang_and_ended_active_was_answered_nobody_knows_when() -> None:
    call = told(seen(JOINED_RINGING, 0), left(30, status=JOINED_ACTIVE))

    assert call.answered_at == NOON + after(30)
    assert call.duration == timedelta()


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
    assert told(seen(JOINED_ACTIVE, 5), left(3)).duration == timedelta()


def test_the_session_that_serves_a_call_stays_the_first() -> None:
    another = SessionId("00000000-0000-7000-8000-000000000003")

    call = told(seen(JOINED_ACTIVE, 0)).served_by(SESSION, NOON + after(1))

    assert call.served_by(another, NOON + after(2)).session_id == SESSION
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
    assert not NEW.gone(NOON, Source.WEBHOOK).aborted
    assert NEW.gone(NOON, Source.WEBHOOK, aborted=True).aborted


@pytest.mark.parametrize(("seconds", "may_be"), [(0, True), (1.999, True), (2, False), (3, False)])
def test_who_joined_may_be_unlisted_for_two_seconds(seconds: float, may_be: bool) -> None:  # noqa: FBT001
    assert NEW.leg.may_be_unlisted(NOON + after(seconds)) is may_be


def test_an_id_is_a_uuid() -> None:
    with pytest.raises(InvalidInput, match="callId must be a UUID"):
        CallId("call-1")


SOURCES = st.sampled_from([Source.WEBHOOK, Source.RECONCILER])
REASONS = st.sampled_from([None, ROOM_CLOSED, "CLIENT_INITIATED", "USER_REJECTED"])
SECONDS = st.integers(0, 60)
FACTS = st.builds(
    seen, st.sampled_from(LegStatus) | st.none(), SECONDS, SOURCES
) | st.builds(left, SECONDS, REASONS, st.sampled_from(LegStatus) | st.none(), SOURCES,
              aborted=st.booleans())  # fmt: skip


@given(facts=st.lists(FACTS, max_size=8), data=st.data())
def test_any_order_and_repetition_of_the_same_facts_is_the_same_call(
    facts: list[Fact], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(facts), max_size=4)) if facts else []
    shuffled = data.draw(st.permutations(facts + repeated))

    assert told(*shuffled) == told(*facts)


@given(facts=st.lists(FACTS, max_size=8))
def test_a_call_never_goes_back_to_life(facts: list[Fact]) -> None:
    call, order = NEW, list(CallStatus)
    for fact in facts:
        further = fact(call)
        if not call.is_live:
            assert not further.is_live
        elif further.is_live:
            assert order.index(further.status) >= order.index(call.status)
        call = further
