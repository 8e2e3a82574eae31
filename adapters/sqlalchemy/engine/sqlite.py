"""Engines and threads for SQLite.

One connection writes, so that this process's writers queue fairly rather than race for SQLite's
lock; ``busy_timeout`` is for other processes. With the write-ahead log readers never wait.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from adapters.sqlalchemy.engine.direct_reads import DirectReads
from adapters.sqlalchemy.engine.errors import is_outage
from adapters.sqlalchemy.engine.sqlite_file import FILE, SqliteFile, moved

Result = TypeVar("Result")

_READERS: Final = 4
_WAL_PATIENCE_SECONDS: Final = 5.0


class SqliteThread:
    """One connection, in a thread of its own, which does all of a transaction in one go.

    (The asynchronous driver goes to its thread and back for every step of every statement.)
    It leaves a file that is no longer in its place for the one that is.
    """

    def __init__(self, engine: Engine, name: str, file: SqliteFile, *, writes: bool) -> None:
        self.engine = engine
        self._file = file
        self._writes = writes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._connection: Connection | None = None

    async def transaction(self, work: Callable[[Connection], Result]) -> Result:
        """What ``work`` returns, committed."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)

    def _do(self, work: Callable[[Connection], Result]) -> Result:
        if self._has_moved():
            self._leave()
        if self._connection is None:
            self._connection = self.engine.connect()
        try:
            with self._connection.begin():
                result = work(self._connection)
            if self._writes and self._has_moved() and not self._leave():
                raise moved()
        except Exception as error:
            # After an outage it may be in any state; a change that was refused is undone.
            self._close(for_good=is_outage(error))
            raise
        except BaseException:
            self._close(for_good=True)
            raise
        return result

    def _has_moved(self) -> bool:
        connection = self._connection
        return connection is not None and connection.info[FILE] != self._file.identity()

    def _leave(self) -> bool:
        """Close the file that is open; whether all that was committed is in the one in its place.

        The log is folded into the open file first: that may be in another place now, and a log
        that was deleted would be lost.
        """
        assert self._connection is not None  # noqa: S101 - callers have looked
        opened, folded = self._connection.info[FILE], False
        if self._writes:
            raw: Any = self._connection.connection.driver_connection
            with suppress(sqlite3.Error):
                folded = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        self._close(for_good=True)
        return folded and self._file.identity()[0] == opened[0]

    async def dispose(self) -> None:
        """Close the connection; the next transaction opens it again."""

        def close_all() -> None:
            self._close()
            self.engine.dispose()

        await asyncio.get_running_loop().run_in_executor(self._thread, close_all)

    def _close(self, *, for_good: bool = False) -> None:
        """Give the connection back to its pool, or, ``for_good``, close the file."""
        if self._connection is not None:
            if for_good:
                self._connection.invalidate()
            self._connection.close()
            self._connection = None


def engines(
    url: URL, patience: timedelta
) -> tuple[AsyncEngine, AsyncEngine, tuple[SqliteThread, SqliteThread], DirectReads]:
    """The reading and the writing engine, a reading and a writing thread, and direct reads.

    All but the last wait for up to ``patience`` for a connection or a lock.
    """
    options = _options(patience)
    reader = create_async_engine(url, pool_size=_READERS, skip_autocommit_rollback=True, **options)
    writer = create_async_engine(url, pool_size=1, **options)
    sync_url = url.set(drivername="sqlite+pysqlite")
    reads = create_engine(sync_url, pool_size=1, **options)
    writes = create_engine(sync_url, pool_size=1, **options)
    direct = create_engine(sync_url, pool_size=1, **_options(timedelta()))
    file = SqliteFile(Path(url.database or ""))
    for engine in (reader.sync_engine, writer.sync_engine, reads, writes, direct):
        _watch(engine, file)
    for engine in (reader.sync_engine, writer.sync_engine):
        event.listen(engine, "checkout", _replace_moved(file))
    event.listen(writer.sync_engine, "begin", _begin)
    event.listen(reads, "begin", _begin_reading)
    event.listen(writes, "begin", _begin_directly)
    return (
        reader,
        writer,
        (
            SqliteThread(reads, "sqlite-reads", file, writes=False),
            SqliteThread(writes, "sqlite-writes", file, writes=True),
        ),
        DirectReads(direct, file),
    )


def _options(patience: timedelta) -> dict[str, Any]:
    return {
        "max_overflow": 0,
        "pool_timeout": patience.total_seconds(),
        "hide_parameters": True,
        # The driver would begin transactions of its own, deferred ones, that fail when two write.
        "connect_args": {"timeout": patience.total_seconds(), "isolation_level": None},
    }


def make_file(path: Path) -> None:
    """Make the file at ``path``, if need be, and switch it to a write-ahead log, for good.

    A new one is its owner's alone, and so are its logs, to which SQLite gives the file's mode.
    Not left to the first connection: aiosqlite leaves a thread behind where it cannot open a file.
    Raises :class:`OSError` or :class:`sqlite3.Error`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # SQLite will say what is wrong with it
        os.close(os.open(path, os.O_CREAT, 0o600))
    deadline = time.monotonic() + _WAL_PATIENCE_SECONDS
    with closing(sqlite3.connect(path)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # While another process switches, SQLite refuses at once, whatever its time-out.
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return


def _watch(engine: Engine, file: SqliteFile) -> None:
    """Configure each connection, and note which file it has opened."""

    def before(*_: object) -> None:
        file.before_opening()

    def after(connection: Any, record: ConnectionPoolEntry) -> None:
        _configure(connection)
        record.info[FILE] = file.after_opening()

    event.listen(engine, "do_connect", before)
    event.listen(engine, "connect", after)


def _replace_moved(file: SqliteFile) -> Callable[[object, ConnectionPoolEntry, object], None]:
    def replace(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info[FILE] != file.identity():
            raise DisconnectionError

    return replace


def _configure(connection: Any) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is not left in free space
        cursor.execute("PRAGMA schema_version")  # opens the log
        cursor.close()
    except BaseException:
        connection.close()  # the pool forgets it, and its thread would live on
        raise


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    # Otherwise each statement takes SQLite's locks and gives them back.
    raw: Any = connection.connection.driver_connection
    raw.execute("BEGIN")


def _begin_directly(connection: Connection) -> None:
    # SQLAlchemy takes longer for a statement than SQLite for this one.
    raw: Any = connection.connection.driver_connection
    raw.execute("BEGIN IMMEDIATE")
