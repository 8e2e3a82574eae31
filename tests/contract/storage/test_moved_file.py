"""The SQLite file is deleted, moved or replaced while the service runs.

SQLite goes on in the file that it has open: what is acknowledged then would be in no file.
https://www.sqlite.org/howtocorrupt.html#unlink
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from adapters.sqlalchemy.schema.backup import backup, restore
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.errors import StorageUnavailable
from tests.contract.storage.ledgers import engines, new_session
from tests.databases import sqlite_in

PATIENCE = timedelta(seconds=0.5)
LOGS = ("-wal", "-shm")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def url(path: Path) -> str:
    return sqlite_in(path.parent)


@pytest.fixture
async def storage(url: str) -> AsyncIterator[SqlStorage]:
    async with SqlStorage(url, PATIENCE) as storage:
        await storage.check()
        yield storage


async def add(storage: SqlStorage) -> Session:
    return await SessionStore(storage.unit_of_work).add(new_session())


async def get(storage: SqlStorage, session: Session) -> Session | None:
    return await SessionStore(storage.unit_of_work).get(session.id, SYSTEM)


def log_of(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def delete(path: Path) -> None:
    path.unlink()


def stored(path: Path) -> set[str]:
    """Return the sessions that whoever opens the file finds, which is sound."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in connection.execute("SELECT id FROM sessions")}


def ids(*sessions: Session) -> set[str]:
    return {session.id.value for session in sessions}


async def assert_refused(storage: SqlStorage) -> None:
    everything = text("SELECT id FROM sessions")
    for attempt in (
        lambda: add(storage),
        lambda: get(storage, new_session()),
        lambda: storage.database.read_many(everything),  # type: ignore[arg-type]
        storage.check,
    ):
        with pytest.raises(StorageUnavailable, match="file is not there"):
            await attempt()


@pytest.mark.parametrize("with_logs", [True, False], ids=["with its logs", "without its logs"])
async def test_given_a_deleted_file_then_all_is_refused_until_it_is_restored(
    storage: SqlStorage, path: Path, url: str, tmp_path: Path, *, with_logs: bool
) -> None:
    before = await add(storage)
    backup(url, tmp_path / "backup.db")
    delete(path)
    for suffix in LOGS if with_logs else ():
        delete(log_of(path, suffix))

    for _ in range(3):
        await assert_refused(storage)
    assert path.name not in os.listdir(
        path.parent
    )  # an empty one would be a ledger that has lost everything

    restore(url, tmp_path / "backup.db")
    await storage.check()
    after = await add(storage)
    assert await get(storage, before) == before
    assert stored(path) == ids(before, after)


@pytest.mark.parametrize("first", ["read", "write"])
async def test_given_a_replaced_file_then_writes_go_to_the_new_one_and_no_old_log_into_it(
    storage: SqlStorage, path: Path, url: str, tmp_path: Path, first: str
) -> None:
    before = await add(storage)
    backup(url, tmp_path / "backup.db")
    lost = [await add(storage) for _ in range(20)]
    os.replace(tmp_path / "backup.db", path)  # as by `mv`: the old one's logs stay

    if first == "read":
        assert await get(storage, before) == before
    after = [await add(storage) for _ in range(20)]
    await storage.check()

    assert await get(storage, before) == before
    assert await get(storage, lost[-1]) is None
    assert await get(storage, after[-1]) == after[-1]
    assert await storage.database.read_many(text("SELECT 1 FROM sessions"))  # type: ignore[arg-type]
    assert stored(path) == ids(before, *after)


async def test_given_a_file_moved_away_then_it_has_all_that_was_acknowledged(
    storage: SqlStorage, path: Path, url: str, tmp_path: Path
) -> None:
    before = [await add(storage) for _ in range(20)]
    moved = tmp_path / "moved.db"
    os.rename(path, moved)

    await assert_refused(storage)

    assert stored(moved) == ids(*before)
    os.rename(moved, path)
    await storage.check()
    after = await add(storage)
    assert stored(path) == ids(*before, after)


async def test_given_a_deleted_log_then_nothing_acknowledged_is_lost(
    storage: SqlStorage, path: Path
) -> None:
    before = [await add(storage) for _ in range(20)]
    for suffix in LOGS:
        delete(log_of(path, suffix))

    after = [await add(storage) for _ in range(20)]
    await storage.check()

    assert await get(storage, before[0]) == before[0]
    assert stored(path) == ids(*before, *after)


async def test_given_a_file_deleted_during_a_transaction_then_it_is_not_acknowledged(
    storage: SqlStorage, path: Path
) -> None:
    await add(storage)
    event.listen(engines(storage)[3], "commit", lambda _: path.unlink(missing_ok=True))

    with pytest.raises(StorageUnavailable, match="deleted, moved or replaced"):
        await add(storage)


async def test_given_a_missing_file_then_attempts_leave_no_thread_and_no_file_open(
    storage: SqlStorage, path: Path
) -> None:
    await add(storage)
    delete(path)
    await assert_refused(storage)
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))

    for _ in range(20):
        await assert_refused(storage)

    assert threading.active_count() <= threads
    assert len(os.listdir("/proc/self/fd")) <= files


async def test_given_another_process_on_the_new_file_then_closing_the_old_one_takes_nothing_away(
    url: str, path: Path, tmp_path: Path
) -> None:
    async with SqlStorage(url, PATIENCE) as old:
        before = await add(old)
        backup(url, tmp_path / "backup.db")
        delete(path)
        restore(url, tmp_path / "backup.db")
        async with SqlStorage(url, PATIENCE) as new:
            after = await add(new)
            await asyncio.wait_for(old.database.dispose(), 5)
            later = await add(new)
            assert stored(path) == ids(before, after, later)
