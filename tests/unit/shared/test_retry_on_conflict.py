"""Waiting for one's turn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.shared.errors import ClaimHeld, Conflict, DomainError, SessionBusy
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitRefused
from domain.shared.retry_on_conflict import RetryOnConflict
from tests.unit.worlds.fakes import NOON, FakeClock

ROOM = RoomName("room-1")
POLL = timedelta(milliseconds=50)


class Attempt:
    """Fails with these errors in turn, then succeeds."""

    def __init__(self, *errors: DomainError) -> None:
        self.errors = list(errors)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_given_nobody_in_the_way_then_it_is_done_at_once() -> None:
    clock = FakeClock()
    assert await RetryOnConflict(clock=clock).take(ROOM, Attempt()) == "done"
    assert clock.slept == []


async def test_given_another_request_then_it_polls_until_that_is_through() -> None:
    clock = FakeClock()
    attempt = Attempt(ClaimHeld("held"), Conflict("lost"), ClaimHeld("held"))
    assert await RetryOnConflict(clock=clock, poll=POLL).take(ROOM, attempt) == "done"
    assert clock.slept == [POLL] * 3


async def test_given_another_error_then_it_is_passed_on_untried() -> None:
    attempt = Attempt(LiveKitRefused("no"))
    with pytest.raises(LiveKitRefused):
        await RetryOnConflict(clock=FakeClock()).take(ROOM, attempt)
    assert attempt.count == 1


@pytest.mark.parametrize("error", [ClaimHeld("held"), Conflict("lost")])
async def test_given_no_end_of_it_then_patience_ends_and_the_caller_is_told(
    error: DomainError,
) -> None:
    clock = FakeClock()
    attempt = Attempt(*[error] * 1000)
    retry_on_conflict = RetryOnConflict(clock=clock, patience=timedelta(seconds=1), poll=POLL)
    with pytest.raises(SessionBusy, match="room-1"):
        await retry_on_conflict.take(ROOM, attempt)
    assert clock.now() == NOON + timedelta(seconds=1)
    assert attempt.count == 21


async def test_given_polls_that_pass_the_end_of_patience_then_it_ends_all_the_same() -> None:
    clock = FakeClock()
    retry_on_conflict = RetryOnConflict(clock=clock, patience=2.5 * POLL, poll=POLL)
    with pytest.raises(SessionBusy):
        await retry_on_conflict.take(ROOM, Attempt(*[ClaimHeld("held")] * 1000))
    assert clock.now() == NOON + 3 * POLL


async def test_given_no_patience_then_there_is_one_attempt_all_the_same() -> None:
    attempt = Attempt()
    retry_on_conflict = RetryOnConflict(clock=FakeClock(), patience=timedelta(0))
    assert await retry_on_conflict.take(ROOM, attempt) == "done"
