"""Migrations of a PostgreSQL database that others are using."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.schema import migrations
from adapters.sqlalchemy.schema.migrations import SCHEMA_VERSION, current, downgrade, upgrade
from adapters.sqlalchemy.sessions.table import sessions
from domain.shared.errors import StorageUnavailable
from tests.integration.migrations.later_version import later_version

INSERT = text(
    "INSERT INTO sessions (id, room_name, identity, agent_name, agent_config, status,"
    " claim_uncertain, created_at, version, region)"
    " VALUES (:id, 'room-1', 'ann', 'a', '{}', 'ended', false, now(), 1, :region)"
)

KILL = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'"
)


@pytest.fixture
async def target(postgres_url: str) -> AsyncIterator[Database]:
    target = database(postgres_url)
    yield target
    await target.dispose()


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process migrates as a later version does."""
    monkeypatch.setattr(migrations, "ALEMBIC_FOLDER", later_version(tmp_path) / "alembic")
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", "9003")


@asynccontextmanager
async def reading_sessions(target: Database) -> AsyncIterator[None]:
    """A transaction that has read the table and goes on, as a long report does."""
    # The service's own transactions must not be idle for so long.
    other = database(target.url.render_as_string(hide_password=False), patience=None)
    async with other.writer.begin() as connection:
        await connection.execute(text("SELECT count(*) FROM sessions"))
        yield
    await other.dispose()


async def region_index(target: Database) -> tuple[bool, str] | None:
    """Whether the later version's index is valid, and its definition."""
    query = text(
        "SELECT indisvalid, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indexrelid = to_regclass('ix_sessions_region')"
    )
    async with target.reader.connect() as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


@pytest.mark.slow
async def test_given_a_table_in_use_then_a_migration_gives_up_and_is_run_again(
    target: Database,
) -> None:
    await downgrade(target, "0002")
    async with reading_sessions(target):
        migrating = asyncio.create_task(upgrade(target))
        await asyncio.sleep(1)
        # Behind the migration; refused if it waits for more than five seconds.
        await target.read_many(select(func.count()).select_from(sessions))
        with pytest.raises(StorageUnavailable, match=r"in use.*run it again \(55P03\)"):
            await migrating
    assert await current(target) == "0002"

    await upgrade(target)

    assert await current(target) == SCHEMA_VERSION


async def test_given_a_migration_that_fails_then_the_ones_before_it_are_kept(
    target: Database,
) -> None:
    await downgrade(target, "base")
    async with target.writer.begin() as connection:
        await connection.execute(text("CREATE TABLE idempotency (theirs text)"))

    with pytest.raises(StorageUnavailable):
        await upgrade(target)

    assert await current(target) == "0002"
    async with target.reader.connect() as connection:
        columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("sessions"))
    assert "tenant" not in {column["name"] for column in columns}


@pytest.mark.slow
async def test_given_a_transaction_that_goes_on_then_an_index_waits_for_it_and_writers_do_not(
    target: Database, later: None
) -> None:
    await upgrade(target, "9001")
    async with reading_sessions(target):
        indexing = [asyncio.create_task(upgrade(target, "9002")) for _ in range(3)]
        await asyncio.sleep(4)  # longer than a lock is waited for
        assert not any(task.done() for task in indexing)
        async with target.writer.begin() as connection:
            await connection.execute(INSERT, {"id": "1", "region": "eu"})

    await asyncio.wait_for(asyncio.gather(*indexing), 30)

    valid, definition = await region_index(target) or (False, "")
    assert valid
    assert definition.endswith("(region) WHERE (region IS NOT NULL)")


async def test_given_an_index_that_was_cut_short_then_running_again_makes_it_anew(
    target: Database, later: None
) -> None:
    await upgrade(target, "9001")
    async with reading_sessions(target):
        cut_short = asyncio.create_task(upgrade(target, "9002"))
        while await region_index(target) is None:  # noqa: ASYNC110 - the server tells of no event
            await asyncio.sleep(0.1)
        async with target.reader.connect() as connection:
            await connection.execute(KILL)
        with pytest.raises(StorageUnavailable):
            await cut_short
    assert await current(target) == "9001"
    valid, _ = await region_index(target) or (True, "")
    assert not valid

    await upgrade(target, "9002")

    assert await current(target) == "9002"
    valid, _ = await region_index(target) or (False, "")
    assert valid
    await downgrade(target, "9001")
    assert await region_index(target) is None


async def test_given_a_migration_of_many_indexes_that_was_cut_short_then_running_again_completes_it(
    target: Database,
) -> None:
    async def names() -> set[str]:
        async with target.reader.connect() as connection:
            found = await connection.run_sync(lambda sync: inspect(sync).get_indexes("calls"))
        return {str(index["name"]) for index in found}

    whole = await names()
    await downgrade(target, "0007")
    assert await names() != whole
    async with target.writer.begin() as connection:  # half of it is done
        await connection.execute(text("CREATE INDEX ix_calls_from_to ON calls (from_number)"))
        await connection.execute(text("DROP INDEX ix_calls_to_created"))

    await upgrade(target)

    assert await names() == whole


async def test_whoever_uses_the_connections_next_waits_as_before(target: Database) -> None:
    async with target.reader.connect() as connection:
        assert await connection.scalar(text("SHOW lock_timeout")) == "250ms"
        assert (
            await connection.scalar(
                text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            )
            == 0
        )
