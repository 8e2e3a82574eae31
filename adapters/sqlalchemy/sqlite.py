"""Engines for SQLite.

One connection writes, so that this process's writers queue fairly in the pool rather than race
for SQLite's lock; ``busy_timeout`` is for other processes. With the write-ahead log readers wait
for nobody.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_READERS: Final = 4
_WAL_PATIENCE_SECONDS: Final = 5.0


def engines(url: URL, patience: timedelta) -> tuple[AsyncEngine, AsyncEngine]:
    """The reading and the writing engine; waits of up to ``patience`` for a connection or lock."""
    reader = _engine(url, patience, _READERS, skip_autocommit_rollback=True)
    writer = _engine(url, patience, 1)
    event.listen(writer.sync_engine, "begin", _begin)
    return reader, writer


def make_file(path: Path) -> None:
    """Make the file at ``path``, if need be, and switch it to a write-ahead log, for good.

    Not left to the first connection: aiosqlite leaves a thread behind where it cannot open a file.
    Raises :class:`OSError` or :class:`sqlite3.Error`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
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


def _engine(url: URL, patience: timedelta, connections: int, **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=patience.total_seconds(),
        hide_parameters=True,
        # The driver would begin transactions of its own, deferred ones, that fail when two write.
        connect_args={"timeout": patience.total_seconds(), "isolation_level": None},
        **options,
    )
    event.listen(engine.sync_engine, "connect", _configure)
    return engine


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
    except BaseException:
        connection.close()  # the pool forgets it, and its thread would live on
        raise


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
