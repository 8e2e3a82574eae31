"""Engines for the two databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import attrs
from sqlalchemy import Connection, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

BUSY_LIMIT: Final = timedelta(seconds=5)
"""How long to wait for another process's write, a connection from the pool or a new one."""
COMMAND_LIMIT_SECONDS: Final = 10
POOL_SIZE: Final = 10


@attrs.frozen
class Engines:
    """One pool of connections in two modes: ``write`` begins a transaction, ``read`` does not."""

    write: AsyncEngine
    read: AsyncEngine

    @property
    def embedded(self) -> bool:
        """Whether the database is a file of this service's own."""
        return self.write.dialect.name == "sqlite"


def make_engines(url: str, busy_limit: timedelta = BUSY_LIMIT) -> Engines:
    """Engines for a ``sqlite+aiosqlite:///…`` or ``postgresql+asyncpg://…`` URL; no I/O yet."""
    seconds = busy_limit.total_seconds()
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url, seconds)
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=seconds,
        connect_args={"timeout": seconds, "command_timeout": COMMAND_LIMIT_SECONDS},
    )
    return Engines(write=engine, read=engine.execution_options(isolation_level="AUTOCOMMIT"))


def make_folder(url: str) -> None:
    """Make the folder of a SQLite file. Raises :class:`OSError`."""
    database = make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)


def _sqlite(url: str, busy_seconds: float) -> Engines:
    read = create_async_engine(
        url, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=busy_seconds
    )
    write = read.execution_options()

    @event.listens_for(read.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(write.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # At once, not at the first write: a transaction that has read cannot always go on to write.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return Engines(write=write, read=read)
