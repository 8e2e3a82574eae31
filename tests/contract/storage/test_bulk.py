"""Reads and changes that PostgreSQL takes in bulk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from adapters.sqlalchemy.calls import repository as calls
from adapters.sqlalchemy.engine.bulk import Bulk
from adapters.sqlalchemy.engine.bulk_statements import compiled_reads
from adapters.sqlalchemy.engine.compiled import compiled
from adapters.sqlalchemy.engine.lookup import select_of
from adapters.sqlalchemy.sessions import statements as sessions
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session_store import SessionStore
from domain.shared.errors import StorageUnavailable
from tests.contract.storage.ledgers import (
    leg_of,
    new_call,
    new_session,
    opened,
)
from tests.databases import PostgresServer

LOOK_UPS = {
    "a session by its id": sessions.GET,
    "a room's live session": sessions.LIVE_IN,
    "a room's newest session": sessions.NEWEST_IN,
    "a call by its id": calls._GET,
    "a room's live calls": calls._LIVE_IN,
    "a room's newest call": calls._NEWEST_IN,
}


@pytest.fixture
async def storage(postgres_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(postgres_url) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


async def plan_of(storage: SqlStorage, sql: str) -> str:
    """The plan for any values, made when the tables are empty and have no statistics."""
    async with storage.database.writer.connect() as connection:
        await connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        await connection.exec_driver_sql(f"PREPARE looked_at AS {sql}")
        number = sql.count("$")
        nulls = ", ".join(["NULL"] * number)
        rows = await connection.exec_driver_sql(f"EXPLAIN EXECUTE looked_at({nulls})")
        plan = "\n".join(row[0] for row in rows)
        await connection.exec_driver_sql("DEALLOCATE looked_at")
        return plan


@pytest.mark.parametrize("look_up", LOOK_UPS)
async def test_a_plan_made_for_an_empty_table_reads_by_an_index(
    storage: SqlStorage, look_up: str
) -> None:
    dialect, query = storage.database.reader.dialect, select_of(LOOK_UPS[look_up])
    texts = compiled(dialect, query), compiled_reads(dialect, query, {"wanted": "x"})
    for text_of_query in texts:
        plan = await plan_of(storage, text_of_query.sql)
        assert "Seq Scan" not in plan
        assert "Hash Join" not in plan


async def test_look_ups_at_the_same_time_are_few_statements(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    ledger, log = SessionStore(storage.unit_of_work), postgres.installation.log
    stored = [await ledger.add(new_session()) for _ in range(30)]
    for _ in range(2):  # what is asked for only once is not prepared for
        await ledger.get(stored[0].id, SYSTEM)
    postgres.sql("ALTER SYSTEM SET log_statement = 'all'")
    postgres.sql("SELECT pg_reload_conf()")
    try:
        before = len(log.read_text())
        found = await asyncio.gather(*(ledger.get(session.id, SYSTEM) for session in stored))
        sent = log.read_text()[before:]
    finally:
        postgres.sql("ALTER SYSTEM RESET log_statement")
        postgres.sql("SELECT pg_reload_conf()")
    assert found == stored
    assert 0 < sent.count("LOG:  execute") <= 4


async def test_each_gets_its_own_rows_in_their_order(storage: SqlStorage) -> None:
    first, second = new_call(), new_call()
    same_room = {"room_sid": leg_of(first).room_sid, "room_name": leg_of(first).room_name}
    later = new_call(**same_room)
    async with storage.unit_of_work() as work:
        for call in (later, first, second):
            await work.calls.add(call)
        await work.commit()

    async def live_in(room_sid: str) -> list[object]:
        async with storage.unit_of_work() as work:
            return [call.id for call in await work.calls.live_in(room_sid, SYSTEM)]

    wanted = [leg_of(first).room_sid, "RM_unknown", leg_of(second).room_sid] * 5
    for _ in range(3):
        found = await asyncio.gather(*map(live_in, wanted))
        assert found == [[first.id, later.id], [], [second.id]] * 5


async def test_counts_that_are_read_together_are_each_their_own(storage: SqlStorage) -> None:
    async with storage.unit_of_work() as work:
        for tenant, number in (("ann", 3), ("bob", 1)):
            for _ in range(number):
                await work.sessions.add(new_session(tenant=tenant))
        await work.commit()
    ledger = SessionStore(storage.unit_of_work)
    wanted = ["ann", "bob", "cid"] * 5
    for _ in range(3):
        assert await asyncio.gather(*map(ledger.live_of, wanted)) == [3, 1, 0] * 5


async def test_given_a_connection_that_is_lost_then_a_read_is_done_again(
    storage: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = SessionStore(storage.unit_of_work)
    session = await ledger.add(new_session())

    async def lost(*_: object) -> None:
        raise DBAPIError("", None, ConnectionResetError(), connection_invalidated=True)

    monkeypatch.setattr(Bulk, "read", lost)
    assert await ledger.get(session.id, SYSTEM) == session


async def test_given_a_connection_that_is_lost_then_a_change_is_not_made_again(
    storage: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been made."""
    ledger, session = SessionStore(storage.unit_of_work), new_session()

    async def lost(self: Bulk, units: object) -> None:
        await write(self, units)  # type: ignore[arg-type]
        raise DBAPIError("", None, ConnectionResetError(), connection_invalidated=True)

    write = Bulk.write
    monkeypatch.setattr(Bulk, "write", lost)
    with pytest.raises(StorageUnavailable):
        await ledger.add(session)
    assert await ledger.get(session.id, SYSTEM) == session
