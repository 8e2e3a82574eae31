"""A row of PostgreSQL that another session has locked and does not release."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text, update

from adapters.sqlalchemy import rate_limiter
from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.engine.errors import RowLocked
from adapters.sqlalchemy.sessions.table import sessions as session_table
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.access.rate_limit import Bucket
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.errors import StorageUnavailable
from tests.contract.storage.ledgers import NOON, new_entry, new_session, noted, opened
from tests.databases import PostgresServer
from tests.poolers import pooled

pytestmark = pytest.mark.slow

PATIENCE = timedelta(seconds=20)
"""Much longer than anything takes that need not wait."""
IMPATIENCE = timedelta(seconds=1)
ANN, BEN = Bucket("tenant", "ann"), Bucket("tenant", "ben")


@pytest.fixture
async def storage(postgres_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(postgres_url, PATIENCE) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@asynccontextmanager
async def locked(
    server: PostgresServer, storage: SqlStorage, lock: str
) -> AsyncIterator[asyncpg.Connection]:
    """Hold what the statement ``lock`` locks for the length of a block."""
    connection = await asyncpg.connect(
        user="postgres",
        database=storage.database.url.database,
        host=str(server.installation.pgdata),
    )
    try:
        async with connection.transaction():
            await connection.execute(lock)
            yield connection
    finally:
        await connection.close()


def locked_session(
    server: PostgresServer, storage: SqlStorage, session: Session
) -> AbstractAsyncContextManager[asyncpg.Connection]:
    query = f"SELECT FROM sessions WHERE id = '{session.id}' FOR UPDATE"
    return locked(server, storage, query)


def locked_bucket(
    server: PostgresServer, storage: SqlStorage, bucket: Bucket
) -> AbstractAsyncContextManager[asyncpg.Connection]:
    query = f"SELECT FROM rate_windows WHERE bucket = '{bucket}' FOR UPDATE"
    return locked(server, storage, query)


async def waits_for_lock(connection: asyncpg.Connection) -> None:
    """Return once another session waits for a lock."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    while not await connection.fetchval(query):  # noqa: ASYNC110 - the server tells of no event
        await asyncio.sleep(0.01)


async def test_given_one_locked_row_then_changes_beside_it_are_stored_meanwhile(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    ledger = SessionStore(storage.unit_of_work)
    stuck = await ledger.add(new_session())
    others = [await ledger.add(new_session()) for _ in range(20)]
    async with locked_session(postgres, storage, stuck):
        saving = asyncio.create_task(ledger.save(stuck.released()))

        await asyncio.gather(
            *(ledger.save(session.released()) for session in others),
            *(storage.inbox.add(new_entry(f"room-{number}")) for number in range(60)),
        )

        assert not saving.done()
    assert await saving == await ledger.get(stuck.id, SYSTEM)


async def test_given_several_locked_rows_then_changes_beside_them_are_stored_meanwhile(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    ledger = SessionStore(storage.unit_of_work)
    stuck = [await ledger.add(new_session()) for _ in range(10)]
    others = [await ledger.add(new_session()) for _ in range(20)]
    ids = ", ".join(f"'{session.id}'" for session in stuck)
    query = f"SELECT FROM sessions WHERE id IN ({ids}) FOR UPDATE"
    async with locked(postgres, storage, query):
        saving = [asyncio.create_task(ledger.save(session.released())) for session in stuck]

        await asyncio.gather(*(ledger.save(session.released()) for session in others))

        assert not any(task.done() for task in saving)
    await asyncio.gather(*saving)


async def test_given_a_row_that_stays_locked_then_its_change_alone_is_refused(
    postgres: PostgresServer, postgres_url: str
) -> None:
    async with opened(postgres_url, IMPATIENCE) as storage:
        assert isinstance(storage, SqlStorage)
        ledger = SessionStore(storage.unit_of_work)
        stuck, other = await ledger.add(new_session()), await ledger.add(new_session())
        async with locked_session(postgres, storage, stuck):
            refused, stored = await asyncio.gather(
                ledger.save(stuck.released()), ledger.save(other.released()), return_exceptions=True
            )
            with pytest.raises(StorageUnavailable, match="lock did not come in time"):
                await ledger.save(stuck.released())

        assert isinstance(refused, RowLocked)
        assert stored == await ledger.get(other.id, SYSTEM)
        await ledger.save(stuck.released())


async def test_given_many_changes_for_one_locked_row_then_all_are_made_once_it_is_free(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    ledger, session = (
        SessionStore(storage.unit_of_work),
        await SessionStore(storage.unit_of_work).add(new_session()),
    )
    statement = (
        update(session_table)
        .where(session_table.c.id == session.id.value)
        .values(dispatch_attempts=session_table.c.dispatch_attempts + 1)
    )
    lock = ("sessions", session.room_name.value)
    async with locked_session(postgres, storage, session) as holder:
        changes = [
            asyncio.create_task(
                storage.database.transact(lambda connection: connection.execute(statement), lock)
            )
            for _ in range(100)
        ]
        await waits_for_lock(holder)
        await ledger.add(new_session())
    await asyncio.gather(*changes)

    (row,) = await storage.database.read_many(
        session_table.select().where(session_table.c.id == session.id.value)
    )
    assert row.dispatch_attempts == 100


async def test_given_a_locked_table_then_reads_and_writes_wait_until_it_is_free(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    ledger = SessionStore(storage.unit_of_work)
    session = await ledger.add(new_session())
    query = "LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE"
    async with locked(postgres, storage, query) as holder:
        reading = asyncio.create_task(ledger.get(session.id, SYSTEM))
        adding = [asyncio.create_task(ledger.add(new_session())) for _ in range(30)]
        await waits_for_lock(holder)
        await storage.inbox.add(new_entry())
        await asyncio.sleep(1.5)  # longer than a lock is waited for at a time
        assert not reading.done()
        assert not any(task.done() for task in adding)
    assert await reading == session
    await asyncio.gather(*adding)


async def test_given_a_process_that_pauses_in_a_transaction_then_its_locks_are_freed(
    postgres_url: str,
) -> None:
    async with opened(postgres_url) as storage, SqlStorage(postgres_url, IMPATIENCE) as paused:
        assert isinstance(storage, SqlStorage)
        ledger = SessionStore(storage.unit_of_work)
        session = await ledger.add(new_session())
        async with paused.database.writer.connect() as connection:
            await connection.execute(
                update(session_table)
                .where(session_table.c.id == session.id.value)
                .values(room_sid="RM_paused")
            )

            await ledger.save(session.released())

            await connection.invalidate()
        assert await SessionStore(paused.unit_of_work).get(session.id, SYSTEM) is not None


@pytest.mark.parametrize("by", ["session", "transaction"])
async def test_each_transaction_has_limits_also_behind_a_pooler(
    postgres: PostgresServer, postgres_url: str, by: str
) -> None:
    shown = text(
        "SELECT current_setting('lock_timeout'), "
        "current_setting('idle_in_transaction_session_timeout')"
    )
    with pooled(postgres, postgres_url, by) as url:
        for reached in (postgres_url, f"{url}?pgbouncer=false" if by == "session" else url):
            target = database(reached)
            async with target.writer.begin() as connection:
                assert (await connection.execute(shown)).one() == ("250ms", "4s")
            await target.dispose()

        # What a transaction has set is not left to the pooler's other clients.
        other = await asyncpg.connect(url.replace("+asyncpg", ""), statement_cache_size=0)
        assert await other.fetchval("SHOW lock_timeout") == "0"
        await other.close()


async def test_given_a_locked_bucket_then_others_are_counted_meanwhile(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    limiter = storage.rate_limiter(7)
    await limiter.take(ANN, NOON)
    async with locked_bucket(postgres, storage, ANN) as holder:
        asking = [asyncio.create_task(limiter.take(ANN, NOON)) for _ in range(20)]
        await waits_for_lock(holder)
        asking += [asyncio.create_task(limiter.take(ANN, NOON)) for _ in range(20)]

        permit = await limiter.take(BEN, NOON)

        assert permit.remaining == 6
        assert not any(task.done() for task in asking)
        refusals = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(refusal) for refusal in refusals} == {RowLocked}


async def test_given_a_locked_bucket_then_its_requests_do_not_wait_for_it_again(
    postgres: PostgresServer, storage: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = storage.rate_limiter(7)
    monkeypatch.setattr(rate_limiter, "_PROBE_EVERY", 3600.0)
    await limiter.take(ANN, NOON)
    async with locked_bucket(postgres, storage, ANN):
        with pytest.raises(StorageUnavailable):
            await limiter.take(ANN, NOON)
        sent = noted(storage)

        for _ in range(20):
            with pytest.raises(StorageUnavailable, match=r"counter of tenant:ann is locked"):
                await limiter.take(ANN, NOON)

        assert sent == []


async def test_given_a_locked_bucket_then_it_is_counted_again_once_it_is_free(
    postgres: PostgresServer, storage: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = storage.rate_limiter(7)
    monkeypatch.setattr(rate_limiter, "_PROBE_EVERY", 0.0)
    await limiter.take(ANN, NOON)
    async with locked_bucket(postgres, storage, ANN):
        with pytest.raises(StorageUnavailable):
            await limiter.take(ANN, NOON)

    assert (await limiter.take(ANN, NOON)).remaining == 5
    assert (await limiter.take(ANN, NOON)).remaining == 4


async def test_given_as_many_locked_buckets_as_lanes_then_writes_have_connections(
    postgres: PostgresServer, storage: SqlStorage
) -> None:
    limiter, ledger = storage.rate_limiter(7), SessionStore(storage.unit_of_work)
    buckets = [Bucket("tenant", str(number)) for number in range(12)]
    await asyncio.gather(*(limiter.take(bucket, NOON) for bucket in buckets))
    query = "SELECT FROM rate_windows FOR UPDATE"
    async with locked(postgres, storage, query) as holder:
        asking = [asyncio.create_task(limiter.take(bucket, NOON)) for bucket in buckets]
        await waits_for_lock(holder)

        await asyncio.gather(*(ledger.add(new_session()) for _ in range(50)))

        assert not any(task.done() for task in asking)
        await asyncio.gather(*asking, return_exceptions=True)
