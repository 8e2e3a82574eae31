"""Whether the service gets slower as its ledger grows (SQLite)."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from adapters.sqlalchemy.storage import SqlStorage
from domain.agents.agent_config import AgentConfig
from domain.calls.apply_fact import apply
from domain.calls.call import Call
from domain.calls.call_facts import ParticipantLeft
from domain.rooms.sip_leg import Direction, SipLeg
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import CallId, Identity, RoomName, SessionId
from domain.shared.timeline import Source
from entrypoints.simulator.webhooks import signed_webhook
from tests.benchmarks.events import EVENTS_OF_A_CALL, events_of_a_call
from tests.benchmarks.one_by_one import median_ms, request
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS, WEBHOOK
from tests.benchmarks.servers import stub_livekit
from tests.livekit_server import API_KEY, API_SECRET
from tests.service import Service, running

SIZES: Final = (1_000, 100_000, 1_000_000)
REQUESTS: Final = 240
"""In each round, of which the median is taken."""

_NUMBERS: Final = itertools.count()
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
    leg = SipLeg(
        room_name="load-0",
        room_sid="RM_0",
        participant_sid="PA_0",
        participant_identity="sip_0",
        joined_at=_TIME,
        direction=Direction.INBOUND,
    )
    async with SqlStorage(url) as storage, storage.unit_of_work() as work:
        await work.sessions.add(session.ended(EndReason.ROOM_FINISHED, _TIME))
        await work.calls.add(
            apply(Call(id=CallId(_ID), leg=leg), ParticipantLeft(_TIME, Source.WEBHOOK))
        )
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
    measure_requests(report, folder, "Growth", ROUTES)


def measure_requests(
    report: Report, folder: Path, title: str, routes: Mapping[str, Requests]
) -> None:
    """Measure requests by name on ledgers of each size."""
    heads = ["route", *(f"{size:,} stored: p50 ms" for size in SIZES), "last / first"]
    report.section(title, heads, "SQLite, one connection, sessions and calls as many each.")
    with ExitStack() as stack:
        environ = stack.enter_context(stub_livekit())
        services = {}
        for size in SIZES:
            database = folder / f"{size}.db"
            fill(database, size)
            url = f"sqlite+aiosqlite:///{database}"
            services[size] = stack.enter_context(running({**environ, "DATABASE_URL": url}, folder))
        for service in services.values():
            median_ms(service.url, _sessions(0))  # what is imported, and prepared, at the first
        for name, requests in routes.items():
            for size in SIZES:
                _into_memory(folder / f"{size}.db")
            _one(report, name, services, requests)


Requests = Callable[[int], Iterable[bytes]]
"""Requests to a ledger of so many sessions and calls, made as they are sent."""


def _sessions(_size: int, *, named: bool = False) -> Iterator[bytes]:
    for _ in range(REQUESTS):
        number = next(_NUMBERS)
        room = {"roomName": f"named-{number}"} if named else {}
        config = {"greeting": f"Hello {number}!"}
        body = {"userIdentity": f"user-{number}", "agentConfig": config, **room}
        yield request("POST", "/session", body)


def _webhooks(_size: int) -> Iterator[bytes]:
    for _ in range(0, REQUESTS, EVENTS_OF_A_CALL):
        for event in events_of_a_call():
            body, headers = signed_webhook(event, API_KEY, API_SECRET)
            yield request("POST", WEBHOOK, body, headers)


def _ends(size: int) -> Iterator[bytes]:
    """Of rooms whose sessions have ended, which is as much to look up."""
    for _ in range(REQUESTS):
        yield request("POST", "/session/end", {"roomName": f"load-{random.randint(1, size)}"})


def _any_of(path: str, name: Callable[[int], str]) -> Requests:
    return lambda size: (
        request("GET", f"{path}/{name(random.randint(1, size))}") for _ in range(REQUESTS)
    )


def _room(number: int) -> str:
    return f"load-{number}"


def _id(number: int) -> str:
    return f"{number:08x}-0000-7000-8000-{number:012x}"  # as _NEW_ID makes it


def same(target: str) -> Requests:
    """Return requests for the same path, over and over."""
    return lambda _: [request("GET", target)] * REQUESTS


ROUTES: Final[Mapping[str, Requests]] = {
    "POST /session": _sessions,
    "POST /session with a roomName": partial(_sessions, named=True),
    "POST /session/end": _ends,
    f"POST {WEBHOOK}": _webhooks,
    "GET /sessions": same("/sessions?limit=50"),
    "GET /telephony/calls": same("/telephony/calls?limit=50"),
    "GET /sessions/{id}": _any_of("/sessions", _id),
    "GET /telephony/calls/{id}": _any_of("/telephony/calls", _id),
    "GET /sessions/by-room/{room}": _any_of("/sessions/by-room", _room),
    "GET /telephony/calls/by-room/{room}": _any_of("/telephony/calls/by-room", _room),
}


def _into_memory(path: Path) -> None:
    """Let the operating system have the file in its cache: what a cold disk costs is not asked."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def _one(report: Report, name: str, services: dict[int, Service], requests: Requests) -> None:
    found: dict[int, list[float]] = {size: [] for size in services}
    for round_ in range(ROUNDS):
        for size, service in sorted(services.items(), reverse=bool(round_ % 2)):
            found[size].append(median_ms(service.url, requests(size)))
    first, last = found[SIZES[0]], found[SIZES[-1]]
    ratio = Spread.of([late / early for late, early in zip(last, first, strict=True)])
    spreads = {size: Spread.of(values) for size, values in found.items()}
    report.row(
        [name, *(spread.text(2) for spread in spreads.values()), ratio.text(2)],
        route=name,
        ratio=ratio,
        **{f"p50_of_{size}": spread for size, spread in spreads.items()},
    )
