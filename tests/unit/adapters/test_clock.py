"""The ledger's time, carried on by a monotonic clock, whatever the machine's clock does."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from adapters.system.clock import SystemClock, boot_time

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@attrs.define
class Machine:
    """A machine whose clock can be set."""

    shows: datetime = NOON
    passed: float = 1000.0

    def clock(self) -> SystemClock:
        return SystemClock(machine=self.time, stopwatch=lambda: self.passed)

    def time(self) -> float:
        return self.shows.timestamp()

    def passes(self, seconds: float) -> None:
        self.passed += seconds
        self.shows += timedelta(seconds=seconds)


def test_it_tells_the_machines_time_until_it_is_set() -> None:
    clock = SystemClock()

    assert abs(clock.now() - datetime.now(UTC)) < SECOND
    assert clock.now().microsecond % 1000 == 0
    assert abs(clock.timestamp() - time.time()) < 1


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_given_a_step_of_the_machines_clock_then_nothing_moves(step: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.set(NOON, machine.passed, machine.passed)

    machine.shows += step
    machine.passes(2)

    assert clock.now() == NOON + 2 * SECOND
    assert clock.monotonic() == 1002


@pytest.mark.parametrize("skew", [HOUR, -HOUR])
def test_given_a_machine_an_hour_off_then_it_tells_the_ledgers_time(skew: timedelta) -> None:
    machine = Machine(NOON + skew)
    clock = machine.clock()
    sent = machine.passed
    machine.passes(0.2)

    clock.set(NOON, sent, machine.passed)

    assert clock.now() == NOON + timedelta(milliseconds=100)


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_given_a_ledger_whose_clock_was_set_then_it_follows(step: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.now()

    clock.set(NOON + step, machine.passed, machine.passed)

    assert clock.now() == NOON + step


def test_given_a_reading_that_took_long_then_its_error_moves_nothing() -> None:
    machine = Machine()
    clock = machine.clock()
    sent = machine.passed
    machine.passes(4)

    clock.set(NOON + 3 * SECOND, sent, machine.passed)  # read a second before it arrived

    assert clock.now() == NOON + 4 * SECOND


def test_given_a_small_correction_then_the_time_never_goes_back() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now()

    clock.set(NOON - SECOND / 10, machine.passed, machine.passed)

    assert clock.now() == before
    machine.passes(1)
    assert clock.now() == NOON + SECOND * 0.9


def reads(clock: SystemClock, machine: Machine) -> None:
    """Where the machine's clock is the ledger's."""
    clock.set(None, machine.passed, machine.passed)


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_where_the_machine_is_the_ledger_a_step_is_followed_once_it_has_lasted(
    step: timedelta,
) -> None:
    machine = Machine()
    clock = machine.clock()

    machine.shows += step
    for _ in range(60):
        reads(clock, machine)
        assert clock.now() == machine.shows - step
        machine.passes(1)
    reads(clock, machine)

    assert clock.now() == machine.shows


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_where_the_machine_is_the_ledger_a_step_that_is_undone_moves_nothing(
    step: timedelta,
) -> None:
    machine = Machine()
    clock = machine.clock()

    for _ in range(3):
        machine.shows += step
        for _ in range(40):
            reads(clock, machine)
            machine.passes(1)
        machine.shows -= step
        reads(clock, machine)
        assert clock.now() == machine.shows


def test_where_the_machine_is_the_ledger_its_clock_is_followed_as_it_is_slewed() -> None:
    machine = Machine()
    clock = machine.clock()

    for _ in range(600):
        machine.passes(1)
        machine.shows += timedelta(milliseconds=5)
        reads(clock, machine)

    assert clock.now() == machine.shows


def test_the_monotonic_clock_goes_on_while_the_machine_is_suspended() -> None:
    if not hasattr(time, "CLOCK_BOOTTIME"):
        pytest.skip("Linux only")
    assert abs(boot_time() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
