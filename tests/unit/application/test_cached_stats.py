"""The ledger is counted once for many who ask at about the same time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import attrs
import pytest

from application.caching.cached_stats import GOOD_FOR, CachedStats
from domain.operations.ledger_stats import LedgerStats
from domain.shared.errors import StorageUnavailable
from tests.unit.worlds.fakes import FakeClock


@attrs.define
class Counted:
    """A ledger that has as many sessions as it was counted times."""

    times: int = 0
    is_there: bool = True
    problem: str | None = None

    async def check(self) -> None:
        if self.problem is not None:
            raise StorageUnavailable(self.problem)

    async def ledger_stats(self) -> LedgerStats:
        self.times += 1
        await asyncio.sleep(0)
        if not self.is_there:
            raise StorageUnavailable("gone")
        return LedgerStats(
            live_sessions=self.times, live_calls=0, pending_events=0, pending_since=None,
            dead_events=0, pending_deliveries=0, deliveries_since=None,
            failed_deliveries=0,
        )  # fmt: skip


async def test_who_asks_at_the_same_time_is_told_the_same() -> None:
    ledger = Counted()
    recent = CachedStats(ledger, FakeClock())

    told = await asyncio.gather(*(recent.ledger_stats() for _ in range(10)))

    assert {one.live_sessions for one in told} == {1}


async def test_after_a_while_it_is_counted_again() -> None:
    ledger, clock = Counted(), FakeClock()
    recent = CachedStats(ledger, clock)
    await recent.ledger_stats()

    clock.advance(GOOD_FOR)

    assert (await recent.ledger_stats()).live_sessions == 2


async def test_nor_do_many_wait_for_a_ledger_that_is_out_of_reach() -> None:
    ledger, clock = Counted(is_there=False), FakeClock()
    recent = CachedStats(ledger, clock)

    for _ in range(10):
        with pytest.raises(StorageUnavailable, match="gone"):
            await recent.ledger_stats()

    assert ledger.times == 1
    ledger.is_there = True
    clock.advance(GOOD_FOR)
    assert (await recent.ledger_stats()).live_sessions == 2


async def test_given_a_ledger_that_takes_no_write_then_it_is_counted_and_the_reason_is_kept() -> (
    None
):
    recent = CachedStats(Counted(problem="full"), FakeClock())

    told = await recent.ledger_stats()

    assert (told.live_sessions, told.problem) == (1, "full")


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
async def test_given_a_clock_that_steps_then_a_count_is_good_for_as_long_as_ever(
    step: timedelta,
) -> None:
    ledger, clock = Counted(), FakeClock()
    recent = CachedStats(ledger, clock)
    await recent.ledger_stats()

    clock.step(step)

    assert (await recent.ledger_stats()).live_sessions == 1
    clock.advance(GOOD_FOR)
    assert (await recent.ledger_stats()).live_sessions == 2
