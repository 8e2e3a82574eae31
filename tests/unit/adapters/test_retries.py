"""Which changes wait for a locked row, and which do not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from adapters.sqlalchemy.engine.errors import RowLocked
from adapters.sqlalchemy.engine.group_commit import Batches, Outcome
from adapters.sqlalchemy.engine.retries import Retries
from adapters.sqlalchemy.engine.write import Lock, Unit, Work
from domain.shared.errors import Conflict, StorageUnavailable

LOCKED, FREE = ("sessions", "locked"), ("sessions", "free")


class FakeDatabase:
    """Has rows that others have locked, and notes where each unit was carried out."""

    def __init__(self, patience: timedelta = timedelta(seconds=20)) -> None:
        self.locked: set[Lock] = {LOCKED}
        self.in_batches: list[Lock | None] = []
        self.alone: list[Lock | None] = []
        self.other_error: Exception | None = None
        self.retries = Retries(
            Batches[Unit](self._carry_out(self.in_batches), lanes=1),
            Batches[Unit](self._carry_out(self.alone), lanes=1, most_together=1),
            patience,
        )

    def _carry_out(self, noted: list[Lock | None]) -> Any:
        async def carry_out(units: Sequence[Unit]) -> Sequence[Outcome]:
            return [self._outcome(unit, noted) for unit in units]

        return carry_out

    def _outcome(self, unit: Unit, noted: list[Lock | None]) -> Outcome:
        assert isinstance(unit, Work)
        noted.append(unit.lock)
        if unit.lock in self.locked:
            return RowLocked("The database is in use.", unit.lock)
        return self.other_error or unit.lock

    async def change(self, lock: Lock | None) -> object:
        return await self.retries.do(Work(run, lock))


def run(_connection: Connection) -> None:
    """Do nothing."""


async def until_tried(database: FakeDatabase, times: int) -> None:
    while len(database.alone) < times:  # noqa: ASYNC110 - a fake has no event to wait for
        await asyncio.sleep(0.001)


async def test_given_a_locked_row_then_its_change_is_tried_alone_until_it_is_free() -> None:
    database = FakeDatabase()
    change = asyncio.create_task(database.change(LOCKED))
    await until_tried(database, 3)

    database.locked.clear()

    assert await change == LOCKED
    assert database.in_batches == [LOCKED]


async def test_given_a_row_known_as_locked_then_no_further_batch_waits_for_it() -> None:
    database = FakeDatabase()
    changes = [asyncio.create_task(database.change(LOCKED))]
    await until_tried(database, 1)

    changes += [asyncio.create_task(database.change(LOCKED)) for _ in range(5)]
    assert await database.change(FREE) == FREE
    assert database.in_batches == [LOCKED, FREE]
    database.locked.clear()

    assert await asyncio.gather(*changes) == [LOCKED] * 6
    assert database.in_batches == [LOCKED, FREE]


async def test_given_many_changes_of_a_locked_row_then_one_of_them_asks_for_it() -> None:
    database = FakeDatabase(timedelta(seconds=0.3))

    changes = (database.change(LOCKED) for _ in range(50))
    refused = await asyncio.gather(*changes, return_exceptions=True)

    assert {type(error) for error in refused} == {RowLocked}
    assert len(database.alone) < 50, "each of them asks"


async def test_given_the_row_is_free_again_then_its_changes_are_batched_again() -> None:
    database = FakeDatabase(timedelta(seconds=0.1))
    with pytest.raises(StorageUnavailable):
        await database.change(LOCKED)
    database.locked.clear()

    await database.change(LOCKED)
    await database.change(LOCKED)

    assert database.in_batches == [LOCKED, LOCKED]


async def test_given_another_error_alone_then_it_is_the_changes_own() -> None:
    database = FakeDatabase()
    change = asyncio.create_task(database.change(LOCKED))
    await until_tried(database, 1)

    database.locked.clear()
    database.other_error = Conflict("changed by another")

    with pytest.raises(Conflict):
        await change


async def test_given_jobs_with_keys_then_no_key_is_in_two_lanes_and_others_pass_it() -> None:
    batches: list[list[str]] = []
    gate = asyncio.Event()

    async def carry_out(jobs: Sequence[str]) -> Sequence[Outcome]:
        batches.append([*jobs])
        if "a" in jobs:
            await gate.wait()
        return jobs

    lanes = Batches[str](carry_out, lanes=2, key=lambda job: job)
    first = asyncio.create_task(lanes.do("a"))
    while not batches:  # noqa: ASYNC110 - a fake has no event to wait for
        await asyncio.sleep(0)
    second = asyncio.create_task(lanes.do("a"))

    assert await lanes.do("b") == "b"
    assert not second.done()
    gate.set()

    assert [await first, await second] == ["a", "a"]
    assert batches == [["a"], ["b"], ["a"]]
