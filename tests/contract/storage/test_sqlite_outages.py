"""The SQLite file is locked, is none, or cannot be written."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session_store import SessionStore
from domain.shared.errors import StorageUnavailable
from tests.contract.storage.ledgers import new_session, opened
from tests.service import PROJECT

PATIENCE = timedelta(seconds=0.5)

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
FILL = """
import asyncio, pathlib, resource, sys
from domain.access.access import SYSTEM
from domain.shared.errors import StorageUnavailable
from domain.sessions.session_store import SessionStore
from tests.contract.storage.ledgers import new_session, opened

async def main():
    async with opened(sys.argv[1]) as storage:
        ledger = SessionStore(storage.unit_of_work)
        kept = [await ledger.add(new_session())]
        resource.setrlimit(resource.RLIMIT_FSIZE, (640 * 1024, resource.RLIM_INFINITY))
        try:
            while True:
                kept.append(await ledger.add(new_session()))
        except StorageUnavailable as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        kept.append(await ledger.add(new_session()))
        assert [await ledger.get(session.id, SYSTEM) for session in kept] == kept
        print(len(kept))

asyncio.run(main())
"""


@pytest.fixture
async def storage(sqlite_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(sqlite_url, PATIENCE) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@contextmanager
def locked(storage: SqlStorage) -> Iterator[None]:
    """Another process writes for the length of the block."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(storage.database.url.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        yield


async def test_another_process_writes_for_longer_than_we_wait(storage: SqlStorage) -> None:
    ledger = SessionStore(storage.unit_of_work)
    there = await ledger.add(new_session())
    with locked(storage):
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await ledger.add(new_session())
        alone = time.monotonic() - began
        began = time.monotonic()
        seen = await asyncio.gather(
            *(ledger.add(new_session()) for _ in range(64)), return_exceptions=True
        )
        assert time.monotonic() - began < 16 * alone  # they wait together, not one by one
        assert {type(result) for result in seen} == {StorageUnavailable}
        assert "The database is locked by another process (SQLITE_BUSY)." in map(str, seen)
        assert await ledger.get(there.id, SYSTEM) == there
        with pytest.raises(StorageUnavailable, match="is locked by another process"):
            await storage.check()
    later = await ledger.add(new_session())
    assert await ledger.get(later.id, SYSTEM) == later


async def test_another_process_writes_for_less_than_we_wait(storage: SqlStorage) -> None:
    ledger = SessionStore(storage.unit_of_work)
    with locked(storage):
        waiting = asyncio.create_task(ledger.add(new_session()))
        await asyncio.sleep(PATIENCE.total_seconds() / 5)
        assert not waiting.done()
    session = await waiting
    assert await ledger.get(session.id, SYSTEM) == session


async def test_reads_do_not_wait_behind_a_write(storage: SqlStorage) -> None:
    ledger = SessionStore(storage.unit_of_work)
    there = await ledger.add(new_session())
    async with storage.database.writer.begin():
        async with asyncio.timeout(30):
            for _ in range(20):
                assert await ledger.get(there.id, SYSTEM) == there


async def test_two_processes_write_at_once(sqlite_url: str) -> None:
    async with opened(sqlite_url) as one, opened(sqlite_url) as other:
        ledgers = [SessionStore(one.unit_of_work), SessionStore(other.unit_of_work)]
        sessions = [new_session() for _ in range(128)]
        await asyncio.gather(
            *(ledgers[index % 2].add(session) for index, session in enumerate(sessions))
        )
        assert await asyncio.gather(*(ledgers[0].get(s.id, SYSTEM) for s in sessions)) == sessions


async def test_the_settings_that_durability_rests_on(storage: SqlStorage) -> None:
    def check(connection: Connection) -> None:
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("busy_timeout", 500),
        ):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value

    for engine in (storage.database.reader, storage.database.writer):
        async with engine.connect() as connection:
            await connection.run_sync(check)
    for thread in storage.database.threads or ():
        await thread.transaction(check)


def test_a_disk_that_takes_no_more(sqlite_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FILL, sqlite_url],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    message, kept = done.stdout.splitlines()
    assert message.startswith("The database ")
    assert "SQLITE_" in message
    assert int(kept) > 10


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", Path("/proc/none")):
        with pytest.raises(StorageUnavailable, match="cannot be"):
            async with SqlStorage(f"sqlite+aiosqlite:///{folder}/ledger.db"):
                pass


async def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="file cannot be opened"):
        async with SqlStorage(f"sqlite+aiosqlite:///{tmp_path}"):
            pass


async def test_something_else_in_the_files_place(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear database, " * 100)
    with pytest.raises(StorageUnavailable, match="is not a SQLite database"):
        async with SqlStorage(f"sqlite+aiosqlite:///{tmp_path}/letter.txt"):
            pass


async def test_a_file_that_somebody_damages(storage: SqlStorage) -> None:
    with closing(sqlite3.connect(str(storage.database.url.database))) as connection:
        connection.execute("DROP TABLE sessions")
    with pytest.raises(StorageUnavailable, match="could not be used"):
        await SessionStore(storage.unit_of_work).add(new_session())


async def test_memory_is_no_file() -> None:
    with pytest.raises(StorageUnavailable, match="DATABASE_URL must be"):
        SqlStorage("sqlite+aiosqlite:///:memory:")
