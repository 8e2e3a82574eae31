"""A database: how to connect to it, to read from it and to write to it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import URL, Row, Select, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sqlalchemy import postgresql, sqlite
from adapters.sqlalchemy.errors import storage_errors
from adapters.sqlalchemy.write import Write, Writer
from domain.errors import StorageUnavailable

Result = TypeVar("Result")

_LANES: Final = 4

PATIENCE: Final = timedelta(seconds=5)
"""How long one step may take: getting a connection, a lock or an answer."""


@attrs.frozen
class Database:
    """``reader`` runs single statements, each by itself; ``writer`` runs transactions.

    ``embedded`` tells a database that belongs to this service alone, in a file.
    """

    url: URL
    reader: AsyncEngine
    writer: AsyncEngine
    embedded: bool
    _commits: Writer = attrs.field(init=False)
    _transactions: set[asyncio.Task[Any]] = attrs.field(factory=set, init=False, eq=False)

    @_commits.default
    def _lanes(self) -> Writer:
        # SQLite has one writer at a time; more of PostgreSQL's connections are left to readers.
        return Writer(self.writer, 1 if self.embedded else _LANES)

    async def write(self, writes: Sequence[Write]) -> list[int]:
        """How many rows each of ``writes`` has changed, once all are durable, or none is.

        Raises :class:`~domain.errors.Conflict` or :class:`~domain.errors.StorageUnavailable`.
        """
        return await self._commits.commit(writes)

    async def to_the_end(self, transaction: Coroutine[Any, Any, Result]) -> Result:
        """What ``transaction`` returns; it goes on even if its caller is cancelled.

        Given up halfway, it would leave SQLite's lock behind for a while.
        """
        task = asyncio.create_task(transaction)
        self._transactions.add(task)
        task.add_done_callback(self._transactions.discard)
        return await asyncio.shield(task)

    async def read(
        self, query: Select[Any], values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """The rows of a single query. Raises :class:`~domain.errors.StorageUnavailable`."""
        with storage_errors():
            async with self.reader.connect() as connection:
                rows: Sequence[Row[Any]] = (await connection.execute(query, values)).all()
                return rows

    async def prepare(self) -> None:
        """Make the file of an embedded database, and its folder, where they are not there."""
        if self.embedded:
            with storage_errors():
                await asyncio.to_thread(sqlite.make_file, Path(self.url.database or ""))

    async def dispose(self) -> None:
        """Close every connection; the database can be used again afterwards."""
        await self._commits.finished()
        await asyncio.gather(*self._transactions, return_exceptions=True)
        with storage_errors():
            await self.reader.dispose()
            await self.writer.dispose()


def database(url: str, patience: timedelta | None = PATIENCE) -> Database:
    """The database that ``url`` (``sqlite+aiosqlite:///…``, ``postgresql+asyncpg://…``) names.

    Connects to nothing yet. ``patience`` of None waits for a PostgreSQL command however long it
    takes. Raises :class:`~domain.errors.StorageUnavailable` for a URL that names none.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageUnavailable("DATABASE_URL is not the address of a database.") from None
    match parsed.drivername:
        case "sqlite+aiosqlite" if parsed.database not in (None, "", ":memory:"):
            reader, writer = sqlite.engines(parsed, patience or PATIENCE)
            return Database(parsed, reader, writer, embedded=True)
        case "postgresql+asyncpg":
            reader, writer = postgresql.engines(parsed, patience or PATIENCE, patience)
            return Database(parsed, reader, writer, embedded=False)
    raise StorageUnavailable(
        "DATABASE_URL must be sqlite+aiosqlite:///path/to/file.db or "
        "postgresql+asyncpg://user:password@host/database."
    )
