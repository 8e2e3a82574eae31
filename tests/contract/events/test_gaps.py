"""PostgreSQL gives positions before the commit: what a reader may see meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.sqlalchemy.storage import SqlStorage
from tests.contract.storage.ledgers import new_session, opened

INSERT = """
INSERT INTO events (id, kind, lane, sequence, occurred_at, known_at, source, data)
VALUES ($1, 'usage.ready', $1, 1, now(), now(), 'worker', '{}')
"""


@pytest.fixture
async def storage(postgres_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(postgres_url) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@pytest.fixture
async def other(postgres_url: str, storage: SqlStorage) -> AsyncIterator[asyncpg.Connection]:
    """A replica's connection, in the middle of a transaction that has appended an event."""
    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    await connection.execute("BEGIN")
    await connection.execute(INSERT, str(new_session().id))
    yield connection
    await connection.close()


async def add(storage: SqlStorage) -> None:
    async with storage.unit_of_work() as work:
        await work.sessions.add(new_session())
        await work.commit()


async def positions(storage: SqlStorage, after: int = 0) -> list[int]:
    return [event.position for event in await storage.outbox.after(after, 10)]


@pytest.mark.parametrize("commits", [True, False])
async def test_an_event_waits_for_one_that_may_come_before_it(
    storage: SqlStorage,
    other: asyncpg.Connection,
    commits: bool,  # noqa: FBT001
) -> None:
    await add(storage)
    assert await positions(storage) == []
    last = asyncio.create_task(storage.outbox.last_position())
    await asyncio.sleep(0.05)
    assert not last.done()

    await other.execute("COMMIT" if commits else "ROLLBACK")

    assert await positions(storage) == ([1, 2] if commits else [2])
    assert await last == 2
    assert await positions(storage, 2) == []


async def test_later_writers_do_not_make_a_reader_wait_longer(
    postgres_url: str, storage: SqlStorage, other: asyncpg.Connection
) -> None:
    await add(storage)
    assert await positions(storage) == []
    await other.execute("ROLLBACK")
    await other.execute("BEGIN")
    await other.execute(INSERT, str(new_session().id))  # position 3

    assert await positions(storage) == [2]
    await add(storage)
    assert await positions(storage, 2) == []
    await other.execute("COMMIT")
    assert await positions(storage, 2) == [3, 4]


async def test_what_was_deleted_is_no_gap(storage: SqlStorage, other: asyncpg.Connection) -> None:
    await other.execute("COMMIT")
    for _ in range(3):
        await add(storage)
    await other.execute("DELETE FROM events WHERE position IN (1, 3)")

    assert await positions(storage) == [2, 4]


async def test_given_an_older_ledger_was_restored_then_a_reader_waits_for_its_writers(
    storage: SqlStorage, other: asyncpg.Connection
) -> None:
    await other.execute("COMMIT")
    for _ in range(3):
        await add(storage)
    await other.execute("DELETE FROM events WHERE position = 2")
    assert await positions(storage) == [1, 3, 4]
    await other.execute("TRUNCATE events RESTART IDENTITY")
    await other.execute("BEGIN")
    await other.execute(INSERT, str(new_session().id))  # position 1
    await add(storage)

    assert await positions(storage) == []

    await other.execute("COMMIT")
    assert await positions(storage) == [1, 2]
