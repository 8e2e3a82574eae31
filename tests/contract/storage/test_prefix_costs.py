"""A search of a list by a beginning reads ranges of indexes, whatever is searched for."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, closing
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.calls.repository import CallFilter
from domain.sessions.repository import SessionFilter
from domain.shared.prefix import Prefix
from tests.benchmarks.big_ledger import analyze
from tests.benchmarks.list_search import fill_for_searches, searches
from tests.benchmarks.lists import Filter, Wanted, pages
from tests.contract.storage.ledgers import access_of, noted, opened
from tests.contract.storage.test_list_costs import PRETEND, STEPS_OF_A_ROW, steps
from tests.databases import PostgresServer

pytestmark = pytest.mark.slow

SMALL: Final = 6_000
LARGE: Final = 12_000
SLACK: Final = 100
"""Rows: a look at a page of each index."""

NONE: Final = Prefix("none")
AN_ID: Final = Prefix("ffffffff")
COLUMNS: Final[Mapping[type[Filter], Collection[str]]] = {
    SessionFilter: ("room_name", "room_sid", "identity"),
    CallFilter: (
        "room_name", "participant_identity", "sip_call_id", "from_number", "to_number",
    ),
}  # fmt: skip


@asynccontextmanager
async def ledger(url: str, rows: int) -> AsyncIterator[SqlStorage]:
    async with opened(url) as storage:
        assert isinstance(storage, SqlStorage)
        await fill_for_searches(storage, rows)
        await analyze(storage)
        yield storage


async def sent_for(storage: SqlStorage, wanted: Wanted) -> list[tuple[str, Any]]:
    """The list's statements: the second looks in the indexes."""
    sent = noted(storage)
    await pages(storage)[type(wanted.filter)](wanted)
    return [one for one in sent if "SELECT" in one[0]]


def wanted_of(kind: type[Filter], prefix: Prefix, tenant: str | None = None) -> Wanted:
    return Wanted(kind(prefix=prefix), SYSTEM if tenant is None else access_of(tenant))


SQLITE_RANGES: Final = (
    (
        wanted_of(SessionFilter, NONE),
        {"room_created", "room_sid", "unowned_identity", "owned_identity"},
    ),
    (wanted_of(SessionFilter, NONE, "acme"), {"room_created", "room_sid", "tenant_identity"}),
    (
        wanted_of(SessionFilter, AN_ID, "acme"),
        {"room_created", "room_sid", "tenant_identity", "sqlite_autoindex_sessions_1"},
    ),
    (
        wanted_of(CallFilter, NONE),
        {"room_created", "begins_participant_identity", "begins_sip_call_id", "unowned_from",
         "owned_from", "unowned_to", "owned_to"},
    ),
    (
        wanted_of(CallFilter, Prefix("0049"), "acme"),
        {"room_created", "begins_participant_identity", "begins_sip_call_id", "tenant_from",
         "tenant_to"},
    ),
)  # fmt: skip


async def test_on_sqlite_each_column_is_searched_in_a_range_of_its_index(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    async with ledger(f"sqlite+aiosqlite:///{file}", SMALL) as storage:
        for wanted, indexes in SQLITE_RANGES:
            statement, parameters = (await sent_for(storage, wanted))[-1]
            with closing(sqlite3.connect(file)) as connection:
                explained = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plan = [row[3] for row in explained]

            found = [one for line in plan if (one := re.search(r"SEARCH.* (\w+) \((.*)\)", line))]
            ranges = [one[1] for one in found if ">" in one[2]]
            assert {re.sub(r"^ix_(sessions|calls)_", "", one) for one in ranges} == indexes
            assert [line for line in plan if re.search(r"SCAN (sessions|calls)\b", line)] == []


async def test_on_sqlite_what_few_rows_have_costs_no_more_in_a_larger_ledger(
    tmp_path: Path,
) -> None:
    costs: list[list[float]] = []
    rare = [(what, wanted) for what, wanted in searches() if "half" not in what]
    for rows in (SMALL, LARGE):
        file = tmp_path / f"{rows}.db"
        async with ledger(f"sqlite+aiosqlite:///{file}", rows) as storage:
            with closing(sqlite3.connect(file)) as connection:
                costs.append(
                    [
                        sum(steps(connection, *sent) for sent in await sent_for(storage, wanted))
                        / STEPS_OF_A_ROW
                        for _, wanted in rare
                    ]
                )

    dear = [
        f"{what}: {before:.0f} then {now:.0f}"
        for (what, _), before, now in zip(rare, *costs, strict=True)
        if now > 1.5 * before + SLACK
    ]
    assert dear == []


async def test_on_postgresql_a_plan_that_is_kept_for_any_values_searches_the_indexes(
    postgres: PostgresServer,
) -> None:
    """The server keeps a plan after five executions, whatever the values are then."""
    url = postgres.new_database()
    database = url.split("/")[3].split("?")[0]
    async with ledger(url, SMALL) as storage:
        for rows in (60_000, 1_000_000):
            postgres.sql(PRETEND.format(rows=rows), database)
            for (kind, columns), prefix, tenant in product(
                COLUMNS.items(), (NONE, AN_ID), (None, "acme")
            ):
                statement, _ = (await sent_for(storage, wanted_of(kind, prefix, tenant)))[-1]
                plan = postgres.sql(f"EXPLAIN (GENERIC_PLAN) {statement}", database)

                table = "sessions" if kind is SessionFilter else "calls"
                begins = {f"ix_{table}_begins_{column}" for column in columns}
                used = set(re.findall(r"(?:using|Index Scan on) (\w+)", plan))
                live = {"uq_sessions_live_room", "ix_sessions_tenant_live", "ix_calls_live_room"}
                assert begins | {f"pk_{table}"} <= used <= begins | {f"pk_{table}"} | live, plan
                assert "Seq Scan" not in plan
