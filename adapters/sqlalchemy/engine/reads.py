"""Reads: those that find few rows by an index wait together and are done together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import attrs
from sqlalchemy import Connection, Row, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sqlalchemy.engine.bulk import Bulk, NotInBulk
from adapters.sqlalchemy.engine.direct_reads import DirectReads
from adapters.sqlalchemy.engine.errors import RowLocked, storage_errors
from adapters.sqlalchemy.engine.group_commit import Batches, Outcome
from adapters.sqlalchemy.engine.lookup import Lookup, Query, select_of
from adapters.sqlalchemy.engine.sqlite import SqliteThread

Rows = Sequence[Row[Any]]

_LANES: Final = 4
"""Reads of PostgreSQL that go on at a time."""


@attrs.frozen
class _Read:
    query: Query
    values: Mapping[str, Any] | None

    def rows(self, connection: Connection) -> Sequence[Any]:
        if isinstance(self.query, Lookup):
            return self.query.rows(connection, self.values)
        return connection.execute(self.query, self.values).all()


@attrs.frozen
class Reads:
    """Reads from ``engine``; few rows ``direct`` or by ``thread`` on SQLite, and on PostgreSQL in
    ``bulk``.

    A step may take up to ``patience``.
    """

    _engine: AsyncEngine
    _thread: SqliteThread | None
    _direct: DirectReads | None
    _bulk: Bulk | None
    _patience: timedelta
    _batches: Batches[_Read] = attrs.field(init=False)

    @_batches.default
    def _group(self) -> Batches[_Read]:
        if self._thread is not None:
            return Batches(self._carry_out, lanes=1)
        return Batches(self._carry_out, lanes=_LANES, kind=lambda read: id(read.query))

    async def few(self, query: Query, values: Mapping[str, Any] | None = None) -> Rows:
        """The few rows of a query that finds them by an index.

        Raises :class:`~domain.shared.errors.StorageUnavailable`.
        """
        # While the thread reads for others, joining its next batch takes less.
        if self._direct is not None and self._batches.is_idle and isinstance(query, Lookup):
            found = self._direct.rows(query, values)
            if found is not None:
                return found
        if self._thread is None and not values:
            return await self.many(query, values)
        rows: Rows = await self._batches.do(_Read(query, values))
        return rows

    async def many(self, query: Query, values: Mapping[str, Any] | None = None) -> Rows:
        """The rows of a query that may take long; others go on meanwhile. Raises as above."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience.total_seconds()
        while True:
            try:
                with storage_errors():
                    return await self._select_again(select_of(query), values)
            except RowLocked:  # a migration has locked the table
                if loop.time() > deadline:
                    raise

    async def _select_again(self, query: Select[Any], values: Mapping[str, Any] | None) -> Rows:
        """Read on a new connection where the pool's turns out to be closed."""
        try:
            return await self._select(query, values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._select(query, values)

    async def _select(self, query: Select[Any], values: Mapping[str, Any] | None) -> Rows:
        async with self._engine.connect() as connection:
            rows: Rows = (await connection.execute(query, values)).all()
            return rows

    async def _carry_out(self, reads: Sequence[_Read]) -> Sequence[Outcome]:
        def work(connection: Connection) -> Sequence[Outcome]:
            return [read.rows(connection) for read in reads]

        if self._thread is not None:
            return await self._thread.transaction(work)
        if self._bulk is not None:
            with suppress(NotInBulk, DBAPIError):  # a read can be done again
                query = select_of(reads[0].query)
                return await self._bulk.read(query, [read.values or {} for read in reads])
        reading = (self.many(read.query, read.values) for read in reads)
        return await asyncio.gather(*reading, return_exceptions=True)
