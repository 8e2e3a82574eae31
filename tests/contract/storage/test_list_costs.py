"""A list costs as much in a large ledger as in a small one, whatever it is filtered by."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from sqlalchemy import event

from adapters.sqlalchemy.calls.table import calls
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.storage import SqlStorage
from tests.benchmarks.big_ledger import analyze, fill
from tests.benchmarks.lists import Wanted, combinations, filters_of, pages
from tests.contract.storage.ledgers import engines, opened
from tests.databases import PostgresServer

pytestmark = pytest.mark.slow

SMALL: Final = 2_000
LARGE: Final = 8_000
SLACK: Final = 100
"""Rows: a look at a page of an index, a row more of a value that few rows have."""

STEPS_OF_A_ROW: Final = 20
"""Of SQLite's machine, about: a row of an index that does not match takes some ten."""

PRETEND: Final = """
    UPDATE pg_class SET reltuples = {rows}
    WHERE oid IN ('sessions'::regclass, 'calls'::regclass) OR oid IN (
        SELECT indexrelid FROM pg_index
        WHERE indrelid IN ('sessions'::regclass, 'calls'::regclass)
    )
"""
"""What is in the statistics of a large ledger, where reading all of it is known to be dear."""

Sent = tuple[str, Any]


@attrs.frozen
class Cost:
    """How many rows a list examines, about."""

    name: str
    rows: float


@attrs.frozen
class SessionStore:
    """A ledger of so many rows, and what its lists send to the database."""

    storage: SqlStorage
    rows: int
    sent: list[Sent]

    def filters(self) -> Iterator[tuple[str, Wanted]]:
        """Each filter and pair of filters, with values that many, one and none of the rows have."""
        for kind, values in filters_of(self.rows).items():
            for names, chosen in combinations(kind, values):
                for wanted in chosen:
                    yield f"{names}: {wanted}", wanted

    async def statement(self, wanted: Wanted) -> Sent:
        """What the filtered list sends."""
        await pages(self.storage)[type(wanted.filter)](wanted)
        return self.sent[-1]


@asynccontextmanager
async def ledger(url: str, rows: int, *, statistics: bool) -> AsyncIterator[SessionStore]:
    async with opened(url) as storage:
        assert isinstance(storage, SqlStorage)
        await fill(storage, rows)
        if statistics:
            await analyze(storage)
        sent = list[Sent]()

        def note(_c: Any, _d: Any, statement: str, parameters: Any, *_: Any) -> None:
            sent.append((statement, parameters))

        for engine in engines(storage):
            event.listen(engine, "before_cursor_execute", note)
        yield SessionStore(storage, rows, sent)


def steps(connection: sqlite3.Connection, statement: str, parameters: Any) -> int:
    """How many instructions SQLite's machine carries out, to the ten."""
    tens = 0

    def count() -> None:
        nonlocal tens
        tens += 10

    connection.set_progress_handler(count, 10)
    connection.execute(statement, parameters).fetchall()
    connection.set_progress_handler(None, 0)
    return tens


def examined(plan: Mapping[str, Any]) -> float:
    """How many rows PostgreSQL has read, and sorted, to carry a plan out."""
    rows = 0.0
    if "Scan" in plan["Node Type"] or "Sort" in plan["Node Type"]:
        removed = plan.get("Rows Removed by Filter", 0)
        rows = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return rows + sum(examined(one) for one in plan.get("Plans", ()))


def dearer(small: Sequence[Cost], large: Sequence[Cost]) -> list[str]:
    """The lists that cost more in the larger ledger than in the smaller."""
    assert len(small) == len(large) > 500
    return [
        f"{now.name}: {before.rows:.0f} then {now.rows:.0f}"
        for before, now in zip(small, large, strict=True)
        if now.rows > 1.5 * before.rows + SLACK
    ]


async def sqlite_costs(file: Path, rows: int, *, statistics: bool) -> list[Cost]:
    url = f"sqlite+aiosqlite:///{file}"
    async with ledger(url, rows, statistics=statistics) as one:
        with closing(sqlite3.connect(file)) as connection:
            return [
                Cost(name, steps(connection, *await one.statement(wanted)) / STEPS_OF_A_ROW)
                for name, wanted in one.filters()
            ]


async def postgres_costs(url: str, rows: int) -> list[Cost]:
    async with ledger(url, rows, statistics=True) as one:
        costs = []
        async with one.storage.database.reader.connect() as connection:
            for name, wanted in one.filters():
                statement, parameters = await one.statement(wanted)
                explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
                (plan,) = (await connection.exec_driver_sql(explain, parameters)).scalars()
                (root,) = json.loads(plan) if isinstance(plan, str) else plan
                costs.append(Cost(name, examined(root["Plan"])))
        return costs


@pytest.mark.parametrize("statistics", [False, True])
async def test_on_sqlite_a_list_examines_no_more_of_a_larger_ledger(
    tmp_path: Path, *, statistics: bool
) -> None:
    small = await sqlite_costs(tmp_path / "small.db", SMALL, statistics=statistics)
    large = await sqlite_costs(tmp_path / "large.db", LARGE, statistics=statistics)

    assert dearer(small, large) == []


async def test_on_postgresql_a_list_examines_no_more_of_a_larger_ledger(
    postgres: PostgresServer,
) -> None:
    small = await postgres_costs(postgres.new_database(), SMALL)
    large = await postgres_costs(postgres.new_database(), LARGE)

    assert dearer(small, large) == []


@pytest.mark.parametrize("rows", [60_000, 1_000_000])
async def test_on_postgresql_a_plan_that_is_kept_for_any_values_uses_the_indexes_of_the_lists(
    postgres: PostgresServer, rows: int
) -> None:
    """The server keeps a plan after five executions, whatever the values are then."""
    url = postgres.new_database()
    database, plans = url.split("/")[3].split("?")[0], dict[str, set[str]]()
    async with ledger(url, SMALL, statistics=True) as one:
        postgres.sql(PRETEND.format(rows=rows), database)
        for kind, values in filters_of(SMALL).items():
            for names, chosen in combinations(kind, values):
                statement, _ = await one.statement(chosen[0])
                plan = postgres.sql(f"EXPLAIN (GENERIC_PLAN) {statement}", database)
                plans[f"{kind.__name__} {names}"] = scans(plan)

    lists = {str(index.name) for table in (sessions, calls) for index in table.indexes}
    keys = {"pk_sessions", "pk_calls"}
    assert {name: plan for name, plan in plans.items() if not plan <= lists | keys} == {}


def scans(plan: str) -> set[str]:
    """What a plan reads: names of indexes, or the step itself."""
    return {
        found[1] if (found := re.search(r"Index (?:Only )?Scan.* using (\w+)", line)) else line
        for line in plan.splitlines()
        if ("Scan" in line and "Subquery Scan" not in line) or "Incremental Sort" in line
    }
