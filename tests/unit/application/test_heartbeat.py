"""Processes that die are noticed, those that live are not declared dead, whatever their clocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from adapters.memory.storage import MemoryStorage
from adapters.system.clock import SystemClock
from application.workers.heartbeat import Heartbeat
from domain.operations.process import ProcessIdentity
from domain.shared.errors import StorageUnavailable
from tests.unit.worlds.fakes import NOON, SequentialIds

MINUTE = timedelta(minutes=1)


class World:
    """A ledger that several processes share, and the time that passes for all of them."""

    def __init__(self) -> None:
        self.ledger = MemoryStorage()
        self.processes = self.ledger.processes
        self.passed = 0.0
        self.is_down = False
        self.ids = SequentialIds()
        time, beat = self.time, self.ledger.processes.beat

        async def beat_unless_down(process_id: str, now: datetime) -> Mapping[str, datetime] | None:
            if self.is_down:
                raise StorageUnavailable("down")
            return await beat(process_id, now)

        self.processes.beat = beat_unless_down  # type: ignore[method-assign]
        self.processes.time = time  # type: ignore[method-assign]

    async def time(self) -> datetime:
        if self.is_down:
            raise StorageUnavailable("down")
        return NOON + timedelta(seconds=self.passed)

    async def process(self, skew: timedelta = timedelta(), *, alone: bool = False) -> Process:
        process = Process(self, skew, alone=alone)
        await process.heart.read_time()
        await process.heart.start()
        return process

    async def seconds_pass(self, seconds: float, *living: Process) -> None:
        """While these processes beat four times in each three seconds."""
        for _ in range(round(seconds / 0.75)):
            self.passed += 0.75
            for process in living:
                await process.beats()


class Process:
    """One of them; its machine's clock may be off."""

    def __init__(self, world: World, skew: timedelta, *, alone: bool) -> None:
        self.identity = ProcessIdentity()
        self.heart = Heartbeat(
            processes=world.processes,
            clock=SystemClock(
                machine=lambda: (NOON + skew).timestamp() + world.passed,
                stopwatch=lambda: world.passed,
            ),
            identity=self.identity,
            ids=world.ids,
            alone=alone,
            others_left=self._others_left,
        )
        self.noticed = 0
        self._world = world

    def _others_left(self) -> None:
        self.noticed += 1

    async def beats(self) -> None:
        try:
            await self.heart.read_time()
            await self.heart.beat()
        except StorageUnavailable:
            assert self._world.is_down

    def holds(self) -> str:
        return self.identity.holder("claim")

    async def takes_a_job(self) -> str:
        now, holder = self.heart.clock.now(), self.holds()
        assert await self._world.ledger.leases.acquire("job", holder, now, now + MINUTE, MINUTE)
        return holder

    async def gets_the_job(self) -> bool:
        now = self.heart.clock.now()
        leases = self._world.ledger.leases
        return await leases.acquire("job", self.holds(), now, now + MINUTE, MINUTE)


@pytest.mark.parametrize("skew", [timedelta(), timedelta(hours=1), timedelta(hours=-1)])
async def test_given_a_process_that_dies_then_what_it_held_is_free_within_four_seconds(
    skew: timedelta,
) -> None:
    world = World()
    dying, living = await world.process(), await world.process(skew)
    await world.seconds_pass(6, dying, living)
    await dying.takes_a_job()

    await world.seconds_pass(2.25, living)
    assert not await living.gets_the_job()
    with capture_logs() as logs:
        await world.seconds_pass(1.5, living)

    assert await living.gets_the_job()
    assert [line["event"] for line in logs] == ["a process is dead"]


async def test_given_a_process_that_starts_after_another_died_then_it_need_not_watch() -> None:
    world = World()
    dying = await world.process()
    await dying.takes_a_job()
    world.passed += 3.5

    starting = await world.process()

    assert await starting.gets_the_job()


async def test_given_clocks_that_differ_by_hours_then_nobody_is_declared_dead() -> None:
    world = World()
    processes = [await world.process(timedelta(hours=skew)) for skew in (-1, 0, 1)]
    ids = [process.identity.id for process in processes]

    with capture_logs() as logs:
        await world.seconds_pass(60, *processes)

    assert logs == []
    assert [process.identity.id for process in processes] == ids


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
async def test_given_a_ledger_whose_clock_is_set_then_nobody_is_declared_dead(
    step: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    processes = [await world.process(), await world.process()]
    await world.seconds_pass(6, *processes)

    async def stepped() -> datetime:
        return NOON + step + timedelta(seconds=world.passed)

    monkeypatch.setattr(world.processes, "time", stepped)
    with capture_logs() as logs:
        await world.seconds_pass(12, *processes)

    assert logs == []


async def test_given_a_process_that_was_stopped_then_it_knows_before_it_asks() -> None:
    world = World()
    stopped = await world.process()
    holder = stopped.holds()
    assert not stopped.heart.may_have_lost(holder)

    world.passed += 2.5

    assert stopped.heart.may_have_lost(holder)


async def test_given_one_that_was_stopped_and_not_missed_then_it_still_has_everything() -> None:
    world = World()
    stopped = await world.process()
    holder = await stopped.takes_a_job()
    world.passed += 60

    await stopped.beats()

    assert not stopped.heart.may_have_lost(holder)
    assert await stopped.gets_the_job()


async def test_given_one_that_was_stopped_and_declared_dead_then_it_goes_on_as_another() -> None:
    world = World()
    stopped, living = await world.process(), await world.process()
    holder = await stopped.takes_a_job()
    await world.seconds_pass(6, living)

    await stopped.beats()

    assert stopped.heart.may_have_lost(holder), "also after it has beaten again"
    assert not stopped.heart.may_have_lost(stopped.holds())
    with capture_logs() as logs:
        await world.seconds_pass(12, stopped, living)
    assert logs == []


async def test_given_a_ledger_out_of_reach_for_all_then_nobody_is_declared_dead_after_it() -> None:
    world = World()
    processes = [await world.process(), await world.process()]
    await world.seconds_pass(6, *processes)
    world.is_down = True
    await world.seconds_pass(60, *processes)
    world.is_down = False

    with capture_logs() as logs:
        await world.seconds_pass(2.25, processes[0])  # the other one comes back late
        await world.seconds_pass(12, *processes)

    assert logs == []


async def test_given_a_process_that_stops_then_what_it_held_is_free_at_once() -> None:
    world = World()
    stopping, living = await world.process(), await world.process()
    await stopping.takes_a_job()

    await stopping.heart.stop()

    assert await living.gets_the_job()


async def test_a_process_that_has_died_or_stopped_is_missed_once_by_each_that_lives() -> None:
    world = World()
    one, other, stops = [await world.process() for _ in range(3)]
    await world.process()  # and dies
    await world.seconds_pass(2, one, other, stops)
    assert (one.noticed, other.noticed) == (0, 0)

    await world.seconds_pass(4, one, other, stops)
    assert (one.noticed, other.noticed) == (1, 1)

    await stops.heart.stop()
    await world.seconds_pass(4, one, other)
    assert (one.noticed, other.noticed) == (2, 2)


async def test_given_a_process_alone_whose_ledger_is_replaced_then_it_registers_anew() -> None:
    world = World()
    alone = await world.process(alone=True)
    before = alone.identity.id
    await alone.heart.stay_registered()
    assert alone.identity.id == before
    assert before is not None
    await world.processes.register("of the backup", NOON, alone=True)

    await alone.heart.stay_registered()

    assert alone.identity.id not in (None, before)
    assert await world.processes.is_registered(alone.identity.id or "")
    assert not await world.processes.is_registered("of the backup")


async def test_given_a_process_alone_then_at_its_start_all_is_free_and_it_never_beats() -> None:
    world = World()
    killed = await world.process(alone=True)
    await killed.takes_a_job()

    alone = await world.process(alone=True)

    assert await alone.gets_the_job()
    world.passed += 3600
    assert not alone.heart.may_have_lost(alone.holds())
