"""`POST /session` while the reconciler runs at its default interval over many live sessions.

The sessions are in the ledger and their rooms, each with an agent, in the stub of LiveKit. Each
round begins with a copy of the same ledger and with a new stub, because a round adds sessions.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from adapters.sqlalchemy.storage import SqlStorage
from tests.benchmarks.compared import Compared
from tests.benchmarks.load import Load, load
from tests.benchmarks.many_sessions import insert_sessions, live_session
from tests.benchmarks.report import Report
from tests.benchmarks.servers import FLOOR, floor, let_rest, stub_livekit
from tests.benchmarks.stub_livekit import room_name, room_sid
from tests.databases import PostgresServer, running_postgres
from tests.service import running

LIVE: Final = 10_000
ROUNDS: Final = 5
SECONDS: Final = 15
"""Of load in a round: longer than the reconciler's default interval (10), so that one cycle of it,
or two, falls in each."""
CONNECTIONS: Final = 32
STORAGES: Final = ("sqlite", "postgresql")
HEADS: Final = (
    "storage", "requests/s", "of the floor", "p50 ms", "p50 of the floor's", "p99 ms",
    "p99 of the floor's",
)  # fmt: skip
_AT_ONCE: Final = 500


def measure(report: Report, folder: Path) -> None:
    """Load the floor and the service on each database in turn, in each round."""
    note = f"{LIVE:,} live sessions, {CONNECTIONS} connections, the reconciler at its interval."
    report.section("POST /session with a busy ledger", HEADS, note)
    with running_postgres() as postgres:
        file, database = folder / "filled.db", postgres.new_database()
        for url in (_sqlite(file), database):
            asyncio.run(_fill(url))
        found: dict[str, list[Load]] = {server: [] for server in (FLOOR, *STORAGES)}
        for number in range(ROUNDS):
            for server, loads in found.items():
                copied = folder / f"{number}-{server}"
                copied.mkdir()
                environ = {"DATABASE_URL": _copy(server, copied, file, postgres, database)}
                loads.append(_one(server, environ, copied))
                shutil.rmtree(copied)
    for server, loads in found.items():
        _row(report, server, loads, found[FLOOR])


def _copy(server: str, folder: Path, file: Path, postgres: PostgresServer, database: str) -> str:
    """Return the URL of a new copy of the filled ledger; of an empty one for the floor."""
    if server == "postgresql":
        return postgres.empty_database(database.partition("?")[0].rpartition("/")[2])
    if server == "sqlite":
        shutil.copy(file, folder / "ledger.db")
        os.sync()  # or the disk would be writing the copy while the service is measured
    return _sqlite(folder / "ledger.db")


def _one(server: str, environ: Mapping[str, str], folder: Path) -> Load:
    """Start the server and load it, after its first requests and cycle."""
    with ExitStack() as stack:
        environ = {**stack.enter_context(stub_livekit(LIVE)), **environ}
        kind = floor if server == FLOOR else running
        service = stack.enter_context(kind(environ, folder))
        load(service.url, "session", CONNECTIONS, 1, "warm-")
        let_rest([service])
        return load(service.url, "session", CONNECTIONS, SECONDS)


def _row(report: Report, server: str, loads: list[Load], least: list[Load]) -> None:
    found = Compared.of(loads, least)
    ratio, p50_ratio, p99_ratio = (
        each.text(2) if server != FLOOR else ""
        for each in (found.ratio, found.p50_ratio, found.p99_ratio)
    )
    report.row(
        [
            server, found.rate.text(), ratio, found.p50.text(1), p50_ratio, found.p99.text(1),
            p99_ratio,
        ],
        live=LIVE, storage=server, **found.figures(),
    )  # fmt: skip


def _sqlite(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


async def _fill(url: str) -> None:
    """Store a session for each of the stub's rooms."""
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    async with SqlStorage(url) as storage:
        for first in range(0, LIVE, _AT_ONCE):
            rows = [
                live_session(number, room_sid(room_name(number)), since, "You are helpful.")
                for number in range(first, first + _AT_ONCE)
            ]
            await storage.database.transact(partial(insert_sessions, rows))
