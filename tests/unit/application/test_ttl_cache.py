"""What many want to know at about the same time is asked once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from application.caching.ttl_cache import TtlCache
from domain.operations.check_readiness import CheckReadiness
from domain.shared.livekit_errors import LiveKitUnreachable
from tests.unit.worlds.fakes import FakeClock

SECOND = timedelta(seconds=1)


class Asked:
    """Tells how often it was asked, after ``takes``; ``failing`` it raises that instead."""

    def __init__(self, clock: FakeClock, takes: timedelta = timedelta(0)) -> None:
        self.clock = clock
        self.takes = takes
        self.times = 0
        self.failing: Exception | None = None

    async def __call__(self) -> int:
        self.times += 1
        await self.clock.sleep(self.takes)
        if self.failing is not None:
            raise self.failing
        return self.times


async def test_given_many_at_once_then_one_asks_for_all() -> None:
    clock = FakeClock()
    recent = TtlCache(Asked(clock), clock, SECOND)

    told = await asyncio.gather(*(recent() for _ in range(600)))

    assert set(told) == {1}


async def test_given_an_answer_then_it_is_good_for_so_long_and_no_longer() -> None:
    clock = FakeClock()
    recent = TtlCache(Asked(clock), clock, SECOND)
    await recent()

    clock.advance(SECOND - timedelta(milliseconds=1))
    assert await recent() == 1
    clock.advance(timedelta(milliseconds=1))
    assert await recent() == 2


async def test_given_an_answer_that_took_long_then_it_is_good_from_when_it_came() -> None:
    clock = FakeClock()
    recent = TtlCache(Asked(clock, takes=3 * SECOND), clock, SECOND)

    assert list(await asyncio.gather(recent(), recent())) == [1, 1]


async def test_given_somebody_who_goes_away_while_asking_then_the_next_one_asks() -> None:
    clock = FakeClock()
    asked = Asked(clock)
    recent = TtlCache(asked, clock, SECOND)
    first, second = asyncio.create_task(recent()), asyncio.create_task(recent())
    await asyncio.sleep(0)

    first.cancel()

    assert await second == 2
    assert first.cancelled()


async def test_given_a_failure_then_who_comes_next_asks_anew() -> None:
    clock = FakeClock()
    asked = Asked(clock)
    asked.failing = ZeroDivisionError()
    recent = TtlCache(asked, clock, SECOND)
    with pytest.raises(ZeroDivisionError):
        await recent()

    asked.failing = None

    assert await recent() == 2


async def test_that_a_dependency_is_down_is_told_no_longer_than_that_it_is_up() -> None:
    class Probe:
        is_there = False

        async def check(self) -> None:
            if not self.is_there:
                raise LiveKitUnreachable("No connection.")

    clock, probe = FakeClock(), Probe()
    readiness = TtlCache(CheckReadiness({"livekit": probe}), clock, SECOND)
    assert not (await readiness()).ready

    probe.is_there = True

    assert not (await readiness()).ready
    clock.advance(SECOND)
    assert (await readiness()).ready
