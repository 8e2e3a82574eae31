"""An absence counts once it was seen again an interval later."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.reconciliation.absences import Absences
from tests.unit.worlds.fakes import NOON

INTERVAL = timedelta(seconds=10)
SECOND = timedelta(seconds=1)


def cycle(absences: Absences, at: datetime, *missing: str) -> list[bool]:
    """One cycle that does not find these; whether each absence is confirmed by it."""
    absences.begin_cycle()
    return [absences.is_confirmed(absences.note(key, at)) for key in missing]


@pytest.mark.parametrize(
    ("after", "confirmed"),
    [
        (timedelta(), False),
        (9 * SECOND - timedelta(microseconds=1), False),
        (9 * SECOND, True),  # cycles do not begin at exactly the same distance
        (3600 * SECOND, True),
    ],
)
def test_a_second_look_confirms_an_interval_after_the_first(
    after: timedelta,
    confirmed: bool,  # noqa: FBT001
) -> None:
    absences = Absences(INTERVAL)
    assert cycle(absences, NOON, "a") == [False]
    assert cycle(absences, NOON + after, "a") == [confirmed]


def test_looks_that_follow_each_other_too_soon_confirm_once_the_interval_is_over() -> None:
    absences = Absences(INTERVAL)
    confirmed = [cycle(absences, NOON + 3 * number * SECOND, "a") for number in range(4)]
    assert confirmed == [[False], [False], [False], [True]]


def test_what_was_there_meanwhile_is_missing_anew() -> None:
    absences = Absences(INTERVAL)
    cycle(absences, NOON, "a", "b")
    cycle(absences, NOON + INTERVAL, "b")
    assert cycle(absences, NOON + 2 * INTERVAL, "a", "b") == [False, True]
    assert cycle(absences, NOON + 3 * INTERVAL, "a") == [True]


def test_each_key_has_its_own_time() -> None:
    absences = Absences(INTERVAL)
    cycle(absences, NOON, "a")
    cycle(absences, NOON + INTERVAL / 2, "a", "b")
    assert cycle(absences, NOON + INTERVAL, "a", "b") == [True, False]


def test_noting_twice_in_a_cycle_is_one_look() -> None:
    absences = Absences(INTERVAL)
    absences.begin_cycle()
    assert absences.note("a", NOON) == timedelta()
    assert absences.note("a", NOON + SECOND) == SECOND
    assert not absences.is_confirmed(SECOND)


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_more_looks_take_so_many_intervals(looks: int) -> None:
    absences = Absences(INTERVAL)
    enough = 9 * SECOND * looks
    assert absences.is_confirmed(enough, looks)
    assert not absences.is_confirmed(enough - SECOND, looks)


def test_a_key_is_noted_in_its_cycle_and_doubted_after_it() -> None:
    absences = Absences(INTERVAL)
    assert not absences.is_doubted("a")
    cycle(absences, NOON, "a")
    assert absences.is_noted("a")
    assert absences.is_doubted("a")
    absences.begin_cycle()
    assert not absences.is_noted("a")
    assert absences.is_doubted("a"), "it is looked for again"
    absences.begin_cycle()
    assert not absences.is_doubted("a")


def test_a_clock_that_was_set_back_confirms_nothing_too_early() -> None:
    absences = Absences(INTERVAL)
    cycle(absences, NOON, "a")
    assert cycle(absences, NOON - timedelta(hours=1), "a") == [False]
