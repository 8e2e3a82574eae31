"""How many requests are left of a minute, and who a person's records are counted for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.access.rate_limit import WINDOW, Permit, window_of
from domain.privacy.personal_data import PersonalDataCounts

MINUTE = datetime(2026, 1, 31, 12, 34, tzinfo=UTC)


def test_a_window_is_a_minute() -> None:
    assert timedelta(minutes=1) == WINDOW


@pytest.mark.parametrize("seconds", [0, 0.001, 30, 59.999])
def test_the_window_of_a_moment_is_its_minute(seconds: float) -> None:
    assert window_of(MINUTE + timedelta(seconds=seconds)) == MINUTE


def test_the_next_minute_is_another_window() -> None:
    assert window_of(MINUTE + timedelta(seconds=60)) == MINUTE + WINDOW


@pytest.mark.parametrize(
    ("used", "allowed", "remaining"),
    [(1, True, 2), (2, True, 1), (3, True, 0), (4, False, 0), (5, False, 0)],
)
def test_as_many_requests_are_allowed_as_the_limit_says(
    used: int,
    allowed: bool,  # noqa: FBT001
    remaining: int,
) -> None:
    permit = Permit.of(used, 3, MINUTE + timedelta(seconds=20))

    assert permit == Permit(allowed, remaining, timedelta(seconds=40))


def test_all_that_mentions_a_person_is_counted_once() -> None:
    assert PersonalDataCounts().all == 0
    assert PersonalDataCounts(sessions=1, calls=1, events=1, answers=1, live=1).all == 4
    assert (
        PersonalDataCounts(sessions=1, calls=20, events=300, answers=4000, live=50_000).all == 4321
    )
    assert PersonalDataCounts() == PersonalDataCounts(
        sessions=0, calls=0, events=0, answers=0, live=0
    )
