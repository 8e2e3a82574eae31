"""Whether the service gets slower as its ledger grows (SQLite)."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.sqlalchemy.ledger import SqlLedger
from domain.agent_config import AgentConfig
from domain.call import Call, Direction, PhoneLeg, Source
from domain.identifiers import CallId, Identity, RoomName, SessionId
from domain.session import EndReason, Session
from tests.benchmarks.load import Load, load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS, WEBHOOK, Senders
from tests.benchmarks.servers import stub_livekit
from tests.service import Service, running

_RUNS: Final = itertools.count()

SIZES: Final = (1_000, 100_000, 1_000_000)
_ID: Final = "01a2074e-8b46-7010-b8f8-28073a54b3a7"
_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
_AT: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', '+' || i || ' seconds')"
_RANDOM: Final = "printf('%07d', abs(random() % 10000000))"
_NEW_ID: Final = "printf('%08x-0000-7000-8000-%012x', i, i)"
_DIFFERENT: Final[Mapping[str, Mapping[str, str]]] = {
    "sessions": {
        "id": _NEW_ID, "room_name": "'load-' || i", "identity": f"'user-' || {_RANDOM}",
        "created_at": _AT,
    },
    "calls": {
        "id": _NEW_ID, "room_name": "'load-' || i", "room_sid": "'RM_' || i",
        "participant_sid": "'PA_' || i", "from_number": f"'+1510' || {_RANDOM}", "created_at": _AT,
    },
}  # fmt: skip
"""Columns that differ from row to row, as SQLite's expressions in the row's number ``i``."""


async def _an_example(url: str) -> None:
    """A database with an ended session and an ended call."""
    session = Session(
        id=SessionId(_ID),
        room_name=RoomName("load-0"),
        identity=Identity("user-0"),
        agent_name="agent",
        agent_config=AgentConfig.parse(None),
        created_at=_TIME,
    )
    leg = PhoneLeg(
        room_name="load-0",
        room_sid="RM_0",
        participant_sid="PA_0",
        participant_identity="sip_0",
        joined_at=_TIME,
        direction=Direction.INBOUND,
    )
    async with SqlLedger(url) as storage, storage.unit_of_work() as work:
        await work.sessions.add(session.ended(EndReason.ROOM_FINISHED, _TIME))
        await work.calls.add(Call(id=CallId(_ID), leg=leg).gone(_TIME, Source.WEBHOOK))
        await work.commit()


def fill(path: Path, number: int) -> None:
    """A ledger of so many sessions and calls, made by SQLite itself; its indexes last."""
    asyncio.run(_an_example(f"sqlite+aiosqlite:///{path}"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for table, different in _DIFFERENT.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(different.get(column, f"example.{column}") for column in columns)
            connection.execute(
                "WITH RECURSIVE numbers(i) AS "
                f"(SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {number}) "
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM numbers, "
                f"(SELECT * FROM {table} LIMIT 1) AS example"
            )
        for _, statement in indexes:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.sync()  # or the disk would be writing it while something else is measured


def measure(report: Report, folder: Path) -> None:
    """Each route on each ledger in turn, over one connection."""
    heads = ["route", *(f"{size:,} stored: p50 ms" for size in SIZES), "last of first"]
    report.section("Growth", heads, "SQLite, one connection, sessions and calls as many each.")
    senders = Senders(folder)
    with ExitStack() as stack:
        environ = stack.enter_context(stub_livekit())
        services = {}
        for size in SIZES:
            database = folder / f"{size}.db"
            fill(database, size)
            url = f"sqlite+aiosqlite:///{database}"
            services[size] = stack.enter_context(running({**environ, "DATABASE_URL": url}, folder))
        for name, sender in {
            "POST /session": lambda service, _: senders.session(service, 1, 1),
            "POST /session with a roomName": lambda service, _: load(
                service.url, "session", 1, 1, f"named-{next(_RUNS)}"
            ),
            "POST /session/end": lambda service, size: load(service.url, "end", 1, 1, str(size)),
            f"POST {WEBHOOK}": lambda service, _: senders.webhook(service, 1, 1),
            "GET /sessions": _get("/sessions?limit=50"),
            "GET /telephony/calls": _get("/telephony/calls?limit=50"),
            "GET /sessions/{id}": _any_of("/sessions/", "any_id"),
            "GET /telephony/calls/{id}": _any_of("/telephony/calls/", "any_id"),
            "GET /sessions/by-room/{room}": _any_of("/sessions/by-room/load-"),
            "GET /telephony/calls/by-room/{room}": _any_of("/telephony/calls/by-room/load-"),
        }.items():
            for size in SIZES:
                _into_memory(folder / f"{size}.db")
            _one(report, name, services, sender)


def _into_memory(path: Path) -> None:
    """Let the operating system have the file in its cache: what a cold disk costs is not asked."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


Sender = Callable[[Service, int], Load]


def _get(path: str) -> Sender:
    return lambda service, _: load(f"{service.url}{path}", "get", 1, 1)


def _any_of(path: str, script: str = "any_of") -> Sender:
    return lambda service, size: load(f"{service.url}{path}", script, 1, 1, str(size))


def _one(report: Report, name: str, services: dict[int, Service], sender: Sender) -> None:
    found: dict[int, list[float]] = {size: [] for size in services}
    for round_ in range(ROUNDS):
        for size, service in sorted(services.items(), reverse=bool(round_ % 2)):
            found[size].append(sender(service, size).p50)
    first, last = found[SIZES[0]], found[SIZES[-1]]
    ratio = Spread.of([late / early for late, early in zip(last, first, strict=True)])
    spreads = {size: Spread.of(values) for size, values in found.items()}
    report.row(
        [name, *(spread.text(2) for spread in spreads.values()), ratio.text(2)],
        route=name,
        ratio=ratio,
        **{f"p50_of_{size}": spread for size, spread in spreads.items()},
    )
