"""What a request costs the database: statements sent, and rows looked at."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from sqlalchemy import event

from adapters.sqlalchemy.ledger import SqlLedger
from domain.ledger import Ledger
from domain.session import EndReason
from tests.contract.storage.ledgers import NOON, new_room, new_session, opened
from tests.databases import PostgresServer


@pytest.fixture
async def storage(postgres: PostgresServer, postgres_url: str) -> AsyncIterator[SqlLedger]:
    database = postgres_url.split("/")[3].split("?", maxsplit=1)[0]
    postgres.sql(f"ALTER DATABASE {database} SET log_statement = 'all'")
    async with opened(postgres_url) as storage:
        assert isinstance(storage, SqlLedger)
        yield storage


async def test_a_request_sends_no_more_than_it_must(
    postgres: PostgresServer, storage: SqlLedger
) -> None:
    ledger, log = Ledger(storage.unit_of_work), postgres.installation.log

    async def sent(request: Awaitable[object]) -> list[str]:
        before = len(log.read_text())
        await request
        return re.findall(r"LOG:  (?:statement|execute \S+): (\w+)", log.read_text()[before:])

    async def undone() -> None:
        async with storage.unit_of_work() as work:
            await work.sessions.add(new_session())

    session = await ledger.add(new_session())
    assert await sent(ledger.get(session.id)) == ["SELECT"]
    assert await sent(ledger.live_in(session.room_name)) == ["SELECT"]
    assert await sent(ledger.add(new_session())) == ["BEGIN", "INSERT", "COMMIT"]
    assert await sent(ledger.save(session)) == ["BEGIN", "UPDATE", "COMMIT"]
    assert await sent(undone()) == []


async def test_every_read_finds_its_row_by_an_index(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        assert isinstance(storage, SqlLedger)
        ledger, room, sent = Ledger(storage.unit_of_work), new_room(), list[tuple[str, Any]]()

        @event.listens_for(storage.database.reader.sync_engine, "before_cursor_execute")
        def note(_c: Any, _d: Any, statement: str, parameters: Any, *_: Any) -> None:
            sent.append((statement, parameters))

        await ledger.get(new_session().id)
        await ledger.live_in(room)
        await ledger.newest_in(room)
        plans = []
        async with storage.database.writer.connect() as connection:
            for statement, parameters in sent:
                plan = await connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}", parameters
                )
                plans.append("; ".join(row.detail for row in plan))
    assert [plan.split(" INDEX ")[1] for plan in plans] == [
        "sqlite_autoindex_sessions_1 (id=?)",
        "uq_sessions_live_room (room_name=?)",
        "ix_sessions_room_created (room_name=?)",
    ]


async def test_postgres_too_finds_the_live_session_by_its_index(storage: SqlLedger) -> None:
    ledger, room = Ledger(storage.unit_of_work), new_room()
    async with storage.unit_of_work() as work:
        for _ in range(500):
            await work.sessions.add(new_session(room).ended(EndReason.ROOM_FINISHED, NOON))
        await work.commit()
    live = await ledger.add(new_session(room))
    async with storage.database.writer.begin() as connection:
        await connection.exec_driver_sql("ANALYZE sessions")
        plan = await connection.exec_driver_sql(
            "EXPLAIN SELECT * FROM sessions "
            f"WHERE room_name = '{room}' AND sessions.status != 'ended'"
        )
        assert "uq_sessions_live_room" in str(plan.all())
    assert await ledger.live_in(room) == live
