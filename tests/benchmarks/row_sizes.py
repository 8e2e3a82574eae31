"""How many bytes a session, a call and an event take in the database, indexes included.

The rows come from requests to the service itself: sessions that go on (32 connections), sessions
that are started and ended (one connection), and the six events of each of many phone calls, which
end before an agent is dispatched.
The write-ahead log is PostgreSQL's, whole pages included.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import attrs

from tests.benchmarks.one_by_one import median_ms, request
from tests.benchmarks.report import Report
from tests.benchmarks.routes import Senders
from tests.benchmarks.servers import let_rest, stub_livekit
from tests.databases import PostgresServer, running_postgres
from tests.service import Service, running

TABLES: Final = ("sessions", "calls", "inbox")
SECONDS: Final = 2
ENDED: Final = 1_000
HEADS: Final = ("database", "rows", "number", "bytes each", "of these, indexes", "log bytes each")


@attrs.frozen
class Size:
    """The bytes of a table and its indexes, and how many rows it has."""

    rows: int = 0
    table: int = 0
    indexes: int = 0

    def beyond(self, other: Size) -> Size:
        """Return what has been added since ``other``."""
        return Size(self.rows - other.rows, self.table - other.table, self.indexes - other.indexes)


@attrs.frozen
class SqliteFile:
    """The ledger in a file."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite+aiosqlite:///{self.path}"

    def size(self, table: str) -> Size:
        """Return the size of a table, from the pages that it and its indexes use."""
        pages = (
            "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate = TRUE AND name IN "
            "(SELECT name FROM sqlite_master WHERE tbl_name = ? AND type = ?)"
        )
        with closing(sqlite3.connect(self.path)) as connection:
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            (data,) = connection.execute(pages, (table, "table")).fetchone()
            (indexes,) = connection.execute(pages, (table, "index")).fetchone()
        return Size(rows, data, indexes)

    def logged(self) -> int | None:
        """Return None: the log is reused, so that its volume does not show in its size."""
        return None


@attrs.frozen
class PostgresDatabase:
    """The ledger in PostgreSQL."""

    server: PostgresServer
    url: str

    def size(self, table: str) -> Size:
        """Return the size of a table as PostgreSQL counts it."""
        answer = self.server.sql(
            f"SELECT count(*), pg_table_size('{table}'), pg_indexes_size('{table}') FROM {table}",
            self.url.partition("?")[0].rpartition("/")[2],
        )
        return Size(*map(int, answer.strip().split("|")))

    def logged(self) -> int | None:
        """Return how many bytes of the write-ahead log there have been."""
        return int(self.server.sql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))


Ledger = SqliteFile | PostgresDatabase


def measure(report: Report, folder: Path) -> None:
    """Send sessions and events to the service on each database, and look at its tables."""
    report.section("Row sizes", HEADS, "Log bytes of a call include its events'.")
    with stub_livekit() as environ, running_postgres() as postgres:
        ledgers: Mapping[str, Ledger] = {
            "sqlite": SqliteFile(folder / "ledger.db"),
            "postgresql": PostgresDatabase(postgres, postgres.new_database()),
        }
        for name, ledger in ledgers.items():
            with running({**environ, "DATABASE_URL": ledger.url}, folder) as service:
                _measure(report, name, ledger, service, Senders(folder))


def _measure(report: Report, name: str, ledger: Ledger, service: Service, senders: Senders) -> None:
    for what, send, tables in (
        ("live sessions", lambda: senders.session(service, 32, SECONDS), ["sessions"]),
        ("ended sessions", lambda: _started_and_ended(service), ["sessions"]),
        ("", lambda: senders.webhook(service, 32, SECONDS), ["calls", "inbox"]),
    ):
        before, log = _sizes(ledger), ledger.logged()
        send()
        let_rest([service])
        after, logged = _sizes(ledger), _since(ledger, log)
        for table in tables:
            size = after[table].beyond(before[table])
            _row(report, [name, what or table], size, logged if table == tables[0] else None)


def _started_and_ended(service: Service) -> None:
    rooms = [f"ended-{number}" for number in range(ENDED)]
    median_ms(
        service.url,
        (request("POST", "/session", {"userIdentity": room, "roomName": room}) for room in rooms),
    )
    median_ms(service.url, (request("POST", "/session/end", {"roomName": room}) for room in rooms))


def _sizes(ledger: Ledger) -> dict[str, Size]:
    return {table: ledger.size(table) for table in TABLES}


def _since(ledger: Ledger, before: int | None) -> int | None:
    now = ledger.logged()
    return None if now is None or before is None else now - before


def _row(report: Report, heads: list[str], size: Size, logged: int | None) -> None:
    each = (size.table + size.indexes) / size.rows
    indexes = size.indexes / size.rows
    log = "" if logged is None else f"{logged / size.rows:.0f}"
    report.row(
        [*heads, f"{size.rows:,}", f"{each:.0f}", f"{indexes:.0f}", log],
        storage=heads[0], what=heads[1], bytes_each=each, of_indexes=indexes, logged=logged,
        **attrs.asdict(size),
    )  # fmt: skip
