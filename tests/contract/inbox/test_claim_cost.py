"""What a claim costs, counted, not timed: the same for a hundred events that wait and for 5,000.

Counted are SQLite's instructions, the rows that PostgreSQL's plans have touched, and the calls that
Python has made in memory.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import Any, Final

import attrs
import pytest
from sqlalchemy import Connection, Executable, insert

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.engine.bulk import Bulk
from adapters.sqlalchemy.engine.compiled import compiled
from adapters.sqlalchemy.inbox.mapping import entry_values
from adapters.sqlalchemy.inbox.table import inbox as inbox_table
from adapters.sqlalchemy.storage import SqlStorage
from domain.inbox.entry import InboxEntry
from tests.contract.storage.ledgers import NOON, new_entry, noted, opened

pytestmark = pytest.mark.slow

Storage = MemoryStorage | SqlStorage

MOMENT: Final = timedelta(milliseconds=1)
MINUTE: Final = timedelta(minutes=1)
NOW: Final = NOON + MINUTE
LEASE: Final = timedelta(seconds=6)
NAME: Final = attrgetter("__name__")
FREE: Final = "zoo"
"""A room with one event, which came in last."""


@attrs.frozen
class Backlog:
    """Events of which each waits for its handling, and those of them that others are handling."""

    waiting: Sequence[InboxEntry] = ()
    leased: Sequence[InboxEntry] = ()


def one_room(number: int) -> Backlog:
    return Backlog([new_entry("one", received_at=NOON + n * MOMENT) for n in range(number)])


def one_room_in_work(number: int) -> Backlog:
    head, *rest = one_room(number).waiting
    return Backlog(rest, [head])


def rooms(number: int) -> Backlog:
    return Backlog([new_entry(f"room-{n}", received_at=NOON + n * MOMENT) for n in range(number)])


def rooms_in_work(number: int) -> Backlog:
    return Backlog((), rooms(number).waiting)


def rooms_in_work_with_more_behind(number: int) -> Backlog:
    return Backlog(rooms(number).waiting, rooms(number).waiting)


def rooms_that_wait(number: int) -> Backlog:
    later = NOW + MINUTE
    return Backlog([attrs.evolve(entry, due_at=later) for entry in rooms(number).waiting])


@pytest.mark.parametrize(
    "backlog", [one_room, one_room_in_work, rooms, rooms_in_work, rooms_that_wait], ids=NAME
)
async def test_given_5000_events_that_wait_then_a_claim_costs_what_it_costs_at_100(
    database_url: str, backlog: Callable[[int], Backlog]
) -> None:
    few, many = await costs(database_url, backlog, 100, 5_000)

    assert many <= 3 * few


async def test_given_5000_rooms_in_work_with_more_behind_then_a_claim_costs_no_more(
    database_url: str,
) -> None:
    few, many = await costs(database_url, rooms_in_work_with_more_behind, 500, 5_000)

    assert many <= 3 * few


@pytest.mark.parametrize(
    "backlog", [one_room, one_room_in_work, rooms, rooms_in_work, rooms_that_wait], ids=NAME
)
async def test_given_5000_events_that_wait_then_a_claim_of_news_costs_what_it_costs_at_100(
    database_url: str, backlog: Callable[[int], Backlog]
) -> None:
    few, many = await costs(database_url, backlog, 100, 5_000, claims_news=True)

    assert many <= 3 * few


@pytest.mark.parametrize("backlog", [one_room_in_work, rooms_in_work, rooms_that_wait], ids=NAME)
async def test_given_5000_events_that_cannot_be_claimed_then_one_that_can_is_claimed(
    database_url: str, backlog: Callable[[int], Backlog]
) -> None:
    async with opened(database_url) as storage:
        await fill(storage, backlog(5_000))
        free = new_entry(FREE, received_at=NOW)
        await storage.inbox.add(free)

        assert await storage.inbox.claim("me", NOW, NOW + LEASE, 32) == [free]


@pytest.mark.parametrize("backlog", [one_room_in_work, rooms_that_wait], ids=NAME)
async def test_given_nothing_to_claim_then_a_worker_that_looks_for_work_locks_nothing(
    sql_url: str, backlog: Callable[[int], Backlog]
) -> None:
    async with opened(sql_url) as storage:
        assert isinstance(storage, SqlStorage)
        await fill(storage, backlog(1000))
        sent = noted(storage)

        for second in range(3):
            now = NOW + timedelta(seconds=second)
            assert await storage.inbox.claim("me", now, now + LEASE, 32) == []

    reading = ("BEGIN", "COMMIT")  # a transaction of SQLite's that only reads
    assert [sql.split()[0] for sql, _ in sent if sql not in reading] == ["WITH"] * 3


async def costs(
    database_url: str, backlog: Callable[[int], Backlog], *numbers: int, claims_news: bool = False
) -> list[int]:
    """Return what a claim costs with so many events."""
    claim = claim_newest if claims_news else claim_due
    found = []
    for number in numbers:
        async with opened(database_url) as storage:
            await clear(storage)
            waiting = backlog(number)
            waiting = attrs.evolve(
                waiting, waiting=[*waiting.waiting, new_entry(FREE, received_at=NOW)]
            )
            await fill(storage, waiting)
            found.append(await cost(storage, waiting, claim))
    return found


Claim = Callable[[Storage, Backlog], Awaitable[object]]


async def claim_due(storage: Storage, _: Backlog) -> None:
    await storage.inbox.claim("me", NOW, NOW + LEASE, 32)


async def claim_newest(storage: Storage, backlog: Backlog) -> None:
    news = [entry.event.id for entry in backlog.waiting[-2:]]
    await storage.inbox.claim_news("me", NOW, NOW + LEASE, news)


async def cost(storage: Storage, backlog: Backlog, claim: Claim) -> int:
    if isinstance(storage, MemoryStorage):
        return await calls(storage, backlog, claim)
    if storage.database.threads is not None:
        return await instructions(storage, backlog, claim)
    return await rows(storage, backlog, claim)


async def calls(storage: MemoryStorage, backlog: Backlog, claim: Claim) -> int:
    made = 0

    def count(_frame: object, _event: str, _arg: object) -> None:
        nonlocal made
        made += 1

    sys.setprofile(count)
    try:
        await claim(storage, backlog)
    finally:
        sys.setprofile(None)
    return made


async def instructions(storage: SqlStorage, backlog: Backlog, claim: Claim) -> int:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1

    def watch(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(count, 1)

    for thread in storage.database.threads or ():
        await thread.transaction(watch)
    done = 0
    await claim(storage, backlog)
    return done


async def rows(storage: SqlStorage, backlog: Backlog, claim: Claim) -> int:
    """Return how many rows the plans of a claim's statements touch, if it is done once more.

    By the plans that were made while the table was empty, and by those that statistics give.
    """
    sent = noted(storage)
    with noting_bulk(storage, sent):
        await claim(storage, backlog)
    statements = [*sent]
    assert statements
    await clear(storage)
    async with storage.database.reader.connect() as connection:
        await connection.exec_driver_sql("SET plan_cache_mode = force_generic_plan")
        executed = []
        for number, (statement, parameters) in enumerate(statements):
            values = ", ".join(literal(value) for value in parameters)
            executed.append(f"EXECUTE claim_{number}({values})")
            await connection.exec_driver_sql(f"PREPARE claim_{number} AS {statement}")
            await connection.exec_driver_sql(executed[-1])
        touched = 0
        for statistics in (False, True):
            await clear(storage)
            await fill(storage, backlog)
            if statistics:
                await connection.exec_driver_sql("ANALYZE inbox")
            for execute in executed:
                explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {execute}"
                plan = (await connection.exec_driver_sql(explain)).scalar_one()
                touched += sum(_rows(plan[0]["Plan"]))
    return touched


@contextmanager
def noting_bulk(storage: SqlStorage, sent: list[tuple[str, Any]]) -> Iterator[None]:
    """Note what the driver is given without SQLAlchemy, too."""
    change_each, dialect = Bulk.change_each, storage.database.writer.dialect

    async def noting(
        bulk: Bulk, change: Executable, each: Sequence[Mapping[str, Any]]
    ) -> Sequence[Any]:
        text = compiled(dialect, change)
        sent.extend((text.sql, text.arguments(values)) for values in each)
        return await change_each(bulk, change, each)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bulk, "change_each", noting)
        yield


def literal(value: object) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"


def _rows(plan: dict[str, Any]) -> Iterator[int]:
    removed = sum(plan[name] for name in plan if name.startswith("Rows Removed"))
    yield (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    for inner in plan.get("Plans", ()):
        yield from _rows(inner)


async def fill(storage: Storage, backlog: Backlog) -> None:
    if isinstance(storage, MemoryStorage):
        for entry in backlog.leased:
            await storage.inbox.add(entry)
        await storage.inbox.claim("other", NOW, NOW + MINUTE, len(backlog.leased))
        for entry in backlog.waiting:
            await storage.inbox.add(entry)
        return
    free: dict[str, Any] = {"lease_holder": None, "lease_expires_at": None}
    leased = {"lease_holder": "other", "lease_expires_at": NOW + MINUTE}
    values = [entry_values(entry) | free for entry in backlog.waiting]
    values += [entry_values(entry) | leased for entry in backlog.leased]
    for begin in range(0, len(values), 5000):
        await storage.database.transact(partial(add, values[begin : begin + 5000]))


def add(rows: Sequence[dict[str, Any]], connection: Connection) -> None:
    connection.execute(insert(inbox_table), rows)


async def clear(storage: Storage) -> None:
    if isinstance(storage, MemoryStorage):
        return
    empty = "DELETE FROM inbox" if storage.database.embedded else "TRUNCATE inbox"
    await storage.database.transact(lambda one: one.exec_driver_sql(empty))
