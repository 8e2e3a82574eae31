"""Of the rooms of unanswered calls, the one that has waited longest is looked at first."""

from __future__ import annotations

from datetime import timedelta

import attrs
from hypothesis import given
from hypothesis import strategies as st

from domain.calls.call import Call, CallStatus
from domain.calls.unanswered_calls import BACK_OFF, EVERY, MOST_ROOMS, UnansweredCalls
from domain.rooms.sip_leg import SipLeg
from domain.shared.identifiers import CallId
from tests.examples import examples
from tests.unit.worlds.fakes import NOON, FakeClock

STEPS = st.tuples(
    st.sampled_from(["rings", "rings", "looks", "looks", "fails", "answers", "waits", "waits"]),
    st.integers(0, 5),
)


def calls_of(clock: FakeClock) -> UnansweredCalls:
    return UnansweredCalls(clock=clock, watched_for=timedelta(minutes=1))


def call_in(room: int) -> Call:
    leg = SipLeg(
        room_name=f"call-{room}",
        room_sid=f"RM_{room}",
        participant_sid=f"PA_{room}",
        participant_identity="sip_1",
        joined_at=NOON,
    )
    return Call(id=CallId(f"00000000-0000-7000-8000-{room:012x}"), leg=leg, ringing_at=NOON)


def answered(call: Call) -> Call:
    after = attrs.evolve(call, seen_active_at=NOON)
    assert after.status is CallStatus.ACTIVE
    return after


@attrs.define
class Waiting:
    """What is to be expected of a room: when its look is due, and how many have failed."""

    due_at: timedelta
    failures: int = 0

    def looked(self, now: timedelta, *, failed: bool) -> None:
        self.failures = self.failures + 1 if failed else 0
        self.due_at = now + min(EVERY * 2**self.failures, BACK_OFF)


@examples(300)
@given(st.lists(STEPS, max_size=80))
def test_no_room_is_looked_at_early_and_of_those_that_are_due_the_first_is(
    steps: list[tuple[str, int]],
) -> None:
    clock, now = FakeClock(), timedelta(0)
    calls, waiting = calls_of(clock), dict[str, Waiting]()
    for what, number in steps:
        call = call_in(number)
        if what == "waits":
            clock.advance(EVERY)
            now += EVERY
        elif what == "rings":
            calls.note(call)
            waiting.setdefault(f"RM_{number}", Waiting(now + EVERY))
        elif what == "answers":
            calls.note(answered(call))
            waiting.pop(f"RM_{number}", None)
        else:
            watched = calls.due()
            first = min((room.due_at for room in waiting.values()), default=None)
            if watched is None:
                assert first is None or first > now
                continue
            expected = waiting[watched.room.sid]
            assert expected.due_at == first
            assert expected.due_at <= now
            calls.looked(watched, failed=what == "fails")
            expected.looked(now, failed=what == "fails")
        assert len(calls) == len(waiting)


def test_a_room_that_is_looked_at_is_not_looked_at_beside_that() -> None:
    clock = FakeClock()
    calls = calls_of(clock)
    calls.note(call_in(1))
    clock.advance(EVERY)

    watched = calls.due()
    clock.advance(10 * EVERY)

    assert watched is not None
    assert calls.due() is None
    calls.looked(watched)
    clock.advance(EVERY)
    assert calls.due() is watched


def test_given_the_call_is_answered_during_the_look_then_there_is_no_other() -> None:
    clock = FakeClock()
    calls = calls_of(clock)
    calls.note(call_in(1))
    clock.advance(EVERY)
    watched = calls.due()
    assert watched is not None

    calls.note(answered(call_in(1)))
    calls.looked(watched)

    assert len(calls) == 0


def test_more_rooms_than_are_remembered_are_left_to_the_reconciler() -> None:
    calls = calls_of(FakeClock())
    for number in range(2 * MOST_ROOMS):
        calls.note(call_in(number))

    assert len(calls) == MOST_ROOMS
