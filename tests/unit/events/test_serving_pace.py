"""Listeners are served evenly, and more slowly while requests wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.streaming.serving_pace import BUSY_LAP, SECONDS_EACH, SLOWEST, ServingPace

SOME = 50
USUAL = SOME * SECONDS_EACH
SHORT = BUSY_LAP / 5
LONG = BUSY_LAP * 3


def serve(pace: ServingPace, lap: float, seconds: float, began: float = 0.0) -> int:
    """Serve ``SOME`` listeners at a time for so long; return how many there were."""
    now, served = began, 0
    while now < began + seconds:
        now += lap + pace.pause(SOME, now, lap)
        served += SOME
    return served


@given(lap=st.floats(0, BUSY_LAP))
def test_given_a_loop_that_keeps_up_then_listeners_are_served_at_the_usual_pace(lap: float) -> None:
    served = serve(ServingPace(), lap, seconds=1)

    assert served == pytest.approx(1 / SECONDS_EACH, abs=2 * SOME)


def test_given_requests_that_wait_then_listeners_are_served_more_slowly() -> None:
    pace = ServingPace()
    serve(pace, LONG, seconds=0.5)

    served = serve(pace, LONG, seconds=1, began=0.5)

    assert served == pytest.approx(1 / SECONDS_EACH / SLOWEST, abs=2 * SOME)


def test_given_requests_wait_no_more_then_the_usual_pace_is_back_within_a_second() -> None:
    pace = ServingPace()
    serve(pace, LONG, seconds=1)
    assert pace.slowness == SLOWEST

    serve(pace, SHORT, seconds=1, began=1)

    assert pace.slowness == 1.0


@pytest.mark.parametrize("lap", [0.1, 3600.0])
def test_given_a_single_long_lap_then_the_pace_stays(lap: float) -> None:
    pace = ServingPace()
    serve(pace, SHORT, seconds=1)

    pace.pause(SOME, 1.0, lap)

    assert pace.slowness == 1.0


def test_given_a_pause_that_was_too_long_then_the_next_is_shorter() -> None:
    pace = ServingPace()
    assert pace.pause(SOME, began=10.0, lap=0.0) == pytest.approx(USUAL)

    late = 10.0 + USUAL * 1.5

    assert pace.pause(SOME, began=late, lap=0.0) == pytest.approx(USUAL / 2)
    assert pace.pause(SOME, began=late + USUAL / 2, lap=0.0) == pytest.approx(USUAL)


def test_given_no_news_for_a_while_then_the_next_turn_has_its_own_time() -> None:
    pace = ServingPace()
    pace.pause(SOME, began=10.0, lap=0.0)

    assert pace.pause(SOME, began=20.0, lap=0.0) == pytest.approx(USUAL)
