"""How PostgreSQL's driver takes the rows of a batch: one by one, sent together, as columns.

psycopg's pipeline is measured too where psycopg is installed (`pip install "psycopg[binary]"`).
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from adapters.sqlalchemy.engine.bulk_statements import insert_rows
from adapters.sqlalchemy.engine.compiled import Compiled, compiled
from adapters.sqlalchemy.sessions.mapping import session_moves, session_values
from adapters.sqlalchemy.sessions.statements import ADD, SAVE
from adapters.sqlalchemy.sessions.table import sessions
from domain.sessions.session import Session
from tests.benchmarks.report import Report, Spread
from tests.contract.storage.ledgers import new_session
from tests.databases import running_postgres

SIZES: Final = (1, 15, 32)
ROUNDS: Final = 5
BATCHES: Final = 60
_ARGUMENT: Final = r"\$\d+::(TIMESTAMP WITH TIME ZONE|\w+)"

Batch = Callable[[Sequence[Session], Sequence[Session]], Awaitable[object]]
"""Stores new sessions, and saves those of the batch before."""


def _rows(text: Compiled, batch: Sequence[Session]) -> list[list[Any]]:
    return [text.arguments(_values(session)) for session in batch]


def _values(session: Session) -> dict[str, Any]:
    return session_values(session, None) | {
        "saved_id": session.id.value,
        "read_version": session.version,
    }


def _texts() -> tuple[Compiled, Compiled, Compiled]:
    sample, to = new_session(), dialect()  # type: ignore[no-untyped-call]
    which = {"saved_id": "", "read_version": 1}
    return (
        compiled(to, ADD, session_values(sample, None)),
        compiled(to, insert_rows(sessions), session_values(sample, None)),
        compiled(to, SAVE.returning(sessions.c.id), session_moves(sample, None) | which),  # type: ignore[attr-defined]
    )


def _of_asyncpg(driver: asyncpg.Connection) -> dict[str, Batch]:
    add, add_rows, save = _texts()

    async def one_by_one(new: Sequence[Session], old: Sequence[Session]) -> None:
        async with driver.transaction():
            for row in _rows(add, new):
                await driver.execute(add.sql, *row)
            for row in _rows(save, old):
                await driver.fetch(save.sql, *row)

    async def together(new: Sequence[Session], old: Sequence[Session]) -> None:
        await driver.executemany(add.sql, _rows(add, new))
        await driver.fetchmany(save.sql, _rows(save, old))

    async def columns(new: Sequence[Session], old: Sequence[Session]) -> None:
        await driver.fetch(
            add_rows.sql, *add_rows.columns([session_values(one, None) for one in new])
        )
        await driver.fetchmany(save.sql, _rows(save, old))

    return {
        "asyncpg, one by one": one_by_one,
        "asyncpg, sent together": together,
        "asyncpg, new rows as columns": columns,
    }


def _of_psycopg(driver: Any) -> dict[str, Batch]:
    add, _, save = _texts()
    add_sql, save_sql = (re.sub(_ARGUMENT, "%s", text.sql) for text in (add, save))

    async def pipeline(new: Sequence[Session], old: Sequence[Session]) -> None:
        async with driver.pipeline(), driver.transaction(), driver.cursor() as cursor:
            for row in _rows(add, new):
                await cursor.execute(add_sql, row)
            for row in _rows(save, old):
                await cursor.execute(save_sql, row)

    return {"psycopg, pipeline": pipeline}


async def _measured(url: str) -> dict[tuple[str, int], list[tuple[float, float]]]:
    database, folder = re.findall(r"@/(\w+)\?host=(.*)", url)[0]
    ways = _of_asyncpg(await asyncpg.connect(host=folder, user="postgres", database=database))
    if importlib.util.find_spec("psycopg") is not None:
        psycopg = importlib.import_module("psycopg")
        driver = await psycopg.AsyncConnection.connect(
            f"host={folder} user=postgres dbname={database}", autocommit=True, prepare_threshold=0
        )
        ways |= _of_psycopg(driver)
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for size in SIZES:
            for name, way in ways.items():
                found.setdefault((name, size), []).append(await _one(way, size))
    return found


async def _one(way: Batch, size: int) -> tuple[float, float]:
    """How long a batch takes, and how much of this process's processor, in ms."""
    batches = [[new_session() for _ in range(size)] for _ in range(BATCHES)]
    await way(batches[0], [])
    began, worked = time.perf_counter(), time.process_time()
    for old, new in pairwise(batches):
        await way(new, old)
    taken, used = time.perf_counter() - began, time.process_time() - worked
    return taken / (BATCHES - 1) * 1e3, used / (BATCHES - 1) * 1e3


def measure(report: Report, folder: Path) -> None:
    """Each way by turns, on one connection."""
    heads = ["way", "rows", "batch, ms", "of it this process's processor, ms"]
    report.section("Drivers", heads, "A batch stores so many sessions and saves as many.")
    with running_postgres() as postgres:
        found = asyncio.run(_measured(postgres.new_database()))
    for (name, size), times in found.items():
        taken, used = (Spread.of([one[n] for one in times]) for n in (0, 1))
        report.row([name, size, taken.text(2), used.text(2)], way=name, rows=size, taken=taken)
