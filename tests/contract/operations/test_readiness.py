"""The database's readiness says whether a write would succeed, and why not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from adapters.sqlalchemy.engine import commits, probe
from adapters.sqlalchemy.storage import SqlStorage
from domain.sessions.session_store import SessionStore
from domain.shared.errors import StorageUnavailable
from tests.contract.storage.ledgers import engines, new_entry, new_session, opened
from tests.contract.storage.test_sqlite_outages import locked
from tests.databases import PostgresServer
from tests.service import PROJECT

PATIENCE = timedelta(seconds=0.5)


@pytest.fixture
async def storage(sql_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(sql_url, PATIENCE) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@pytest.fixture
async def in_file(sqlite_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(sqlite_url, PATIENCE) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@pytest.fixture
async def on_server(postgres_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(postgres_url, PATIENCE) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@pytest.fixture
def idle_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that counts as idle from its last commit on."""
    monkeypatch.setattr(commits, "IDLE_SECONDS", 0.0)


def begun(storage: SqlStorage) -> list[None]:
    """Grows by one with each transaction that writes, from now on."""
    counted: list[None] = []
    for engine in engines(storage)[1:2] + engines(storage)[3:]:
        event.listen(engine, "commit", lambda _: counted.append(None))
    return counted


async def reason(storage: SqlStorage) -> str:
    """Return why it is not ready; a first answer may come before the reason is known."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with pytest.raises(StorageUnavailable) as caught:
            await storage.check()
        if "did not answer in time" not in str(caught.value):
            break
    return str(caught.value)


async def eventually_ready(storage: SqlStorage) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return await storage.check()
        except StorageUnavailable:
            assert time.monotonic() < deadline, "it does not become ready again"
            await asyncio.sleep(0.1)


async def add(storage: SqlStorage) -> None:
    await SessionStore(storage.unit_of_work).add(new_session())


# When a write is tried ----------------------------------------------------------------------------


async def test_given_an_idle_ledger_then_a_write_is_tried_and_leaves_nothing(
    storage: SqlStorage, idle_at_once: None
) -> None:
    writes = begun(storage)

    await storage.check()

    assert len(writes) == 1
    ledger_stats = await storage.ledger_stats()
    assert (ledger_stats.live_sessions, ledger_stats.pending_events) == (0, 0)


async def test_given_a_recent_commit_then_no_write_is_tried(storage: SqlStorage) -> None:
    await add(storage)
    writes = begun(storage)

    for _ in range(50):
        await storage.check()

    assert writes == []


async def test_given_many_who_ask_at_once_then_one_write_is_tried(
    storage: SqlStorage, idle_at_once: None
) -> None:
    writes = begun(storage)

    await asyncio.gather(*(storage.check() for _ in range(200)))

    assert len(writes) == 1


async def test_given_conflicts_then_they_are_no_reason_to_try(storage: SqlStorage) -> None:
    session = new_session()
    await SessionStore(storage.unit_of_work).add(session)
    writes = begun(storage)
    for _ in range(3):
        assert await storage.inbox.add(entry := new_entry())
        assert not await storage.inbox.add(entry)
    before = len(writes)

    await storage.check()

    assert len(writes) == before


# SQLite -------------------------------------------------------------------------------------------


async def test_given_a_file_that_another_process_locks_then_not_ready_until_it_is_free(
    in_file: SqlStorage, idle_at_once: None
) -> None:
    with locked(in_file):
        assert await reason(in_file) == "The database is locked by another process (SQLITE_BUSY)."
    await eventually_ready(in_file)


async def test_given_a_lock_for_longer_than_anybody_waits_then_an_answer_comes_in_time(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, idle_at_once: None
) -> None:
    monkeypatch.setattr(probe, "LIMIT_SECONDS", 0.2)
    async with SqlStorage(sqlite_url, timedelta(hours=1)) as storage:
        with locked(storage):
            for _ in range(5):
                with pytest.raises(StorageUnavailable, match="did not answer in time"):
                    await storage.check()
        await eventually_ready(storage)


FULL = """
import asyncio, resource, sys
from domain.shared.errors import StorageUnavailable
from tests.contract.operations.test_readiness import add, eventually_ready, opened

async def main():
    async with opened(sys.argv[1]) as storage:
        await add(storage)
        resource.setrlimit(resource.RLIMIT_FSIZE, (640 * 1024, resource.RLIM_INFINITY))
        failed = 0
        while failed < 20:
            try:
                await add(storage)
            except StorageUnavailable:
                failed += 1
        try:
            await storage.check()
        except StorageUnavailable as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        await eventually_ready(storage)

asyncio.run(main())
"""


def test_given_a_full_disk_then_not_ready_until_there_is_room(sqlite_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FULL, sqlite_url],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The database ")
    assert "SQLITE_" in done.stdout


FORBIDDEN = """
import asyncio, os, sys, tempfile
from domain.shared.errors import StorageUnavailable
from tests.contract.operations.test_readiness import add, opened

async def main():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        file = folder + "/ledger.db"
        async with opened(f"sqlite+aiosqlite:///{file}") as storage:
            await add(storage)
            await storage.check()
            await storage.database.dispose()
            if os.geteuid() == 0:  # who may write everywhere
                os.chown(folder, 65534, -1)
                os.chown(file, 65534, -1)
                os.seteuid(65534)
            os.chmod(file, 0o400)
            for attempt in (add(storage), storage.check()):
                try:
                    await attempt
                except StorageUnavailable as error:
                    print(error)

asyncio.run(main())
"""


def test_given_a_file_that_may_not_be_written_then_not_ready() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORBIDDEN],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["The database is read-only (SQLITE_READONLY)."] * 2


# PostgreSQL ---------------------------------------------------------------------------------------


@contextmanager
def broken(
    server: PostgresServer, storage: SqlStorage, statement: str, repair: str
) -> Iterator[None]:
    database = str(storage.database.url.database)
    server.sql(statement, database)
    yield
    server.sql(repair, database)


DISK_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION full_disk();
"""
SPACE = "DROP FUNCTION full_disk CASCADE"


@pytest.mark.parametrize("table", ["sessions", "inbox"])
async def test_given_a_server_without_disk_space_then_not_ready_until_there_is_some(
    postgres: PostgresServer, on_server: SqlStorage, table: str
) -> None:
    write: Callable[[], Awaitable[object]] = lambda: add(on_server)  # noqa: E731
    if table == "inbox":
        write = lambda: on_server.inbox.add(new_entry())  # noqa: E731
    await on_server.check()
    with broken(postgres, on_server, DISK_FULL.format(table=table), SPACE):
        with pytest.raises(StorageUnavailable, match="no disk space"):
            await write()
        for _ in range(3):
            assert await reason(on_server) == "The database has no disk space left (53100)."
    await on_server.check()
    await write()


async def test_given_a_role_that_loses_a_privilege_then_not_ready_until_it_is_granted(
    postgres: PostgresServer, postgres_url: str, idle_at_once: None
) -> None:
    role = postgres_url.split("/")[3].partition("?")[0] + "_role"
    database = role.removesuffix("_role")
    postgres.sql(f"CREATE ROLE {role} LOGIN")
    everything = f"ON ALL TABLES IN SCHEMA public TO {role}"
    postgres.sql(f"GRANT SELECT, INSERT, UPDATE, DELETE {everything}", database)
    async with SqlStorage(postgres_url.replace("postgres@", f"{role}@"), PATIENCE) as storage:
        await storage.check()
        postgres.sql(f"REVOKE INSERT ON sessions FROM {role}", database)
        assert await reason(storage) == "The database does not let its user do this (42501)."
        postgres.sql(f"GRANT INSERT ON sessions TO {role}", database)
        await storage.check()


@pytest.mark.slow
async def test_given_a_table_that_is_locked_then_not_ready_until_it_is_free(
    postgres: PostgresServer, on_server: SqlStorage, idle_at_once: None
) -> None:
    holding = asyncio.create_task(
        asyncio.to_thread(
            postgres.sql,
            "BEGIN; LOCK TABLE sessions IN SHARE MODE; SELECT pg_sleep(2); COMMIT",
            str(on_server.database.url.database),
        )
    )
    await asyncio.sleep(0.5)
    with pytest.raises(StorageUnavailable):
        await on_server.check()
    assert await on_server.inbox.add(new_entry())  # the probe holds up nobody else
    await holding
    await eventually_ready(on_server)


async def test_given_a_server_that_became_read_only_then_not_ready_until_it_is_writable(
    postgres: PostgresServer, on_server: SqlStorage, idle_at_once: None
) -> None:
    name = on_server.database.url.database
    for value in ("on", "off"):
        postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        postgres.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.1)
        if value == "on":
            assert await reason(on_server) == "The database is read-only (25006)."
    await eventually_ready(on_server)
