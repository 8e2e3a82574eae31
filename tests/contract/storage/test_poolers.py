"""PostgreSQL behind PgBouncer: consecutive statements may reach different sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.schema.migrations import SCHEMA_VERSION, current, migrate
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.shared.errors import StorageUnavailable
from tests.contract.storage.ledgers import new_session
from tests.databases import PostgresServer
from tests.poolers import pooled

WORKERS, ROUNDS = 12, 8


@pytest.fixture
def direct_url(postgres: PostgresServer) -> str:
    return postgres.empty_database()


@pytest.fixture
def pooled_url(postgres: PostgresServer, direct_url: str) -> Iterator[str]:
    """A database without a schema, by a pooler in transaction mode with two sessions."""
    with pooled(postgres, direct_url) as url:
        yield url


async def store_and_read(ledger: SqlStorage) -> None:
    for _ in range(ROUNDS):
        session = new_session()
        async with ledger.unit_of_work() as work:
            await work.sessions.add(session)
            await work.commit()
        async with ledger.unit_of_work() as work:
            found = await work.sessions.get(session.id, SYSTEM)
        assert found is not None
        assert found.room_name == session.room_name


async def test_given_two_processes_on_a_pooler_then_every_unit_of_work_succeeds(
    direct_url: str, pooled_url: str
) -> None:
    await migrate(direct_url)
    async with SqlStorage(pooled_url) as first, SqlStorage(pooled_url) as second:
        await asyncio.gather(
            *(store_and_read(ledger) for ledger in (first, second) for _ in range(WORKERS))
        )


async def test_given_a_direct_connection_then_statements_stay_prepared(direct_url: str) -> None:
    prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
    for options, number in (("", 1), ("&pgbouncer=false", 1), ("&pgbouncer=true", 0)):
        target = database(direct_url + options)
        async with target.reader.connect() as connection:
            await connection.execute(text("SELECT 1"))
            found = await connection.scalar(prepared)
        await target.dispose()

        assert (found > 0) == bool(number), options


async def test_given_a_pooler_in_transaction_mode_then_a_migration_asks_for_the_direct_url(
    direct_url: str, pooled_url: str
) -> None:
    with pytest.raises(StorageUnavailable, match=r"connection pooler.*direct URL"):
        await migrate(pooled_url)

    target = database(direct_url)
    assert await current(target) is None
    await target.dispose()


async def test_given_a_pooler_in_session_mode_then_a_migration_runs_if_the_url_says_so(
    postgres: PostgresServer, direct_url: str
) -> None:
    with pooled(postgres, direct_url, "session") as url:
        with pytest.raises(StorageUnavailable, match="add pgbouncer=false"):
            await migrate(url)
        assert await migrate(f"{url}?pgbouncer=false") == SCHEMA_VERSION

        async with SqlStorage(f"{url}?connection_limit=2") as ledger:
            await asyncio.gather(*(store_and_read(ledger) for _ in range(WORKERS)))
