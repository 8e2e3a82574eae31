"""What a search of a list by a beginning costs, and its indexes a write."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import text

from adapters.sqlalchemy.schema.migrations import migrate
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM, WORK, Access
from domain.calls.repository import CallFilter
from domain.sessions.repository import SessionFilter
from domain.shared.prefix import Prefix
from tests.benchmarks import list_writes
from tests.benchmarks.big_ledger import OLDEST, OURS, fill
from tests.benchmarks.lists import (
    LIMIT,
    MORE_ROUNDS,
    PATIENCE,
    Filter,
    Wanted,
    milliseconds,
    pages,
)
from tests.benchmarks.report import Report
from tests.benchmarks.servers import both_databases

ROWS: Final = 100_000
BEFORE: Final = "0029"

SEARCHED: Final[Mapping[type[Filter], Mapping[str, str]]] = {
    SessionFilter: {
        "room-": "all but a thousandth",
        "everybody": "every other row",
        "RM_old": "the older half",
        "lobby": "a thousandth",
        OLDEST: "the oldest row",
        "none": "no row",
        "00000003": "one row, by its id",
    },
    CallFilter: {
        OURS[:8]: "every row",
        "SCL_old": "the older half",
        "lobby": "a thousandth",
        OLDEST: "the oldest row",
        "none": "no row",
        "0044": "no row, as a number is written",
        "00000003": "one row, by its id",
    },
}
"""What is searched for, and which rows have it."""

SEEN_BY: Final[Mapping[str, Access]] = {
    "everything": SYSTEM,
    **{
        f"{what} of the rows": Access(tenant=tenant, scopes=WORK, sees_unowned=False)
        for tenant, what in (("acme", "a quarter"), (OLDEST, "one"), ("none", "none"))
    },
    "three quarters of the rows": Access(tenant="acme", scopes=WORK, sees_unowned=True),
}

_OLDER: Final[Sequence[str]] = (
    "UPDATE sessions SET room_sid = 'RM_old' || id WHERE id < '{middle}'",
    "UPDATE sessions SET status = 'ended' WHERE id < '{newest}'",
    "UPDATE calls SET sip_call_id = 'SCL_old' || id WHERE id < '{middle}'",
)


async def fill_for_searches(storage: SqlStorage, rows: int) -> None:
    """Store so many sessions and calls: the older half has ids of LiveKit, few are live."""
    await fill(storage, rows)
    async with storage.database.writer.begin() as connection:
        for statement in _OLDER:
            places = {"middle": f"{rows // 2:08x}", "newest": f"{rows - rows // 100:08x}"}
            await connection.execute(text(statement.format(**places)))


async def _vacuum(storage: SqlStorage) -> None:
    async with storage.database.writer.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))


def searches() -> list[tuple[str, Wanted]]:
    """Each text that is searched for, by each who sees something else."""
    return [
        (
            f"{kind.__name__} {sought!r} ({which}), seeing {seen}",
            Wanted(kind(prefix=prefix), access),
        )
        for kind, texts in SEARCHED.items()
        for sought, which in texts.items()
        for seen, access in SEEN_BY.items()
        if (prefix := Prefix.parse(sought)) is not None
    ]


def measure(report: Report, folder: Path, rows: int = ROWS) -> None:
    """Both databases in turn."""
    for name, url in both_databases(folder, "search"):
        asyncio.run(_of_database(report, name, url, rows))


async def _of_database(report: Report, name: str, url: str, rows: int) -> None:
    await migrate(url)
    async with SqlStorage(url, PATIENCE) as storage:
        await fill_for_searches(storage, rows)
        if not storage.database.embedded:  # as PostgreSQL does by itself
            await _vacuum(storage)
        heads = ["searched for", "ms", "rows found"]
        report.section(
            f"Searches of lists, {name}", heads, f"{rows:,} stored; pages of {LIMIT - 1}."
        )
        by_kind = pages(storage)
        for what, wanted in searches():
            page = by_kind[type(wanted.filter)]
            took = min([await milliseconds(page(wanted)) for _ in range(MORE_ROUNDS // 4)])
            found = len(await page(wanted))
            report.row([what, f"{took:.2f}", found], search=what, database=name, milliseconds=took)
        await list_writes.measure(report, name, storage, BEFORE)
