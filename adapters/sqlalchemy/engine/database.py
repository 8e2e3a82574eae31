"""A database: how to connect to it, to read from it and to write to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import URL, Connection, Executable, Row, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.sqlalchemy.engine import scrub, sqlite
from adapters.sqlalchemy.engine.commits import Commits
from adapters.sqlalchemy.engine.errors import RowLocked, storage_errors
from adapters.sqlalchemy.engine.group_commit import Batches, Outcome, Watch
from adapters.sqlalchemy.engine.lookup import Lookup, Query, select_of
from adapters.sqlalchemy.engine.retries import Retries
from adapters.sqlalchemy.engine.sqlite import SqliteThread
from adapters.sqlalchemy.engine.write import Lock, Unit, Work, Write, carry_out

Result = TypeVar("Result")
Rows = Sequence[Row[Any]]

_LANES: Final = 4
"""Transactions that go on at a time; SQLite has one writer."""

AT_ONCE: Final = 500
"""Rows that one transaction deletes; others' changes wait for it."""

PAGE: Final = 500
"""Rows that one command reads where there may be many; other tasks have their turn between."""

PATIENCE: Final = timedelta(seconds=5)
"""How long one step may take: getting a connection, a lock or an answer."""


@attrs.frozen
class _Read:
    query: Query
    values: Mapping[str, Any] | None

    def rows(self, connection: Connection) -> Sequence[Any]:
        if isinstance(self.query, Lookup):
            return self.query.rows(connection, self.values)
        return connection.execute(self.query, self.values).all()


@attrs.frozen
class Database:
    """``reader`` runs single statements, each by itself; ``writer`` runs transactions.

    A database that belongs to this service alone, in a file, has ``threads`` too: one that reads
    and one that writes. Each hand-over between threads costs more than a statement does, so they
    are handed whole batches.
    """

    url: URL
    reader: AsyncEngine
    writer: AsyncEngine
    threads: tuple[SqliteThread, SqliteThread] | None = None
    watch: Watch | None = attrs.field(default=None, kw_only=True)
    patience: timedelta = attrs.field(default=PATIENCE, kw_only=True)
    commits: Commits = attrs.field(factory=Commits, init=False)
    _reads: Batches[_Read] = attrs.field(init=False)
    _writes: Batches[Unit] = attrs.field(init=False)
    _retries: Retries = attrs.field(init=False)

    @_reads.default
    def _group_reads(self) -> Batches[_Read]:
        return Batches(self._carry_out_reads, lanes=1)

    @_writes.default
    def _group_commit(self) -> Batches[Unit]:
        # More of PostgreSQL's connections are left to readers.
        return Batches(
            self._carry_out_writes, lanes=1 if self.embedded else _LANES, watch=self.watch
        )

    @_retries.default
    def _retry_alone(self) -> Retries:
        async def alone(units: Sequence[Unit]) -> Sequence[Outcome]:
            return await carry_out(self._transaction, units, briefly=True)

        batches = Batches[Unit](alone, lanes=1, most_together=1)
        return Retries(self._writes, batches, self.patience)

    @property
    def embedded(self) -> bool:
        """Whether the database belongs to this service alone, in a file."""
        return self.threads is not None

    async def write(self, writes: Sequence[Write]) -> list[int]:
        """How many rows each of ``writes`` has changed, once all are durable, or none is.

        Raises :class:`~domain.shared.errors.Conflict`, :class:`~domain.shared.errors.Unstorable` or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        changed: list[int] = await self._retries.do(writes)
        return changed

    async def transact(
        self, work: Callable[[Connection], Result], lock: Lock | None = None
    ) -> Result:
        """What ``work`` returns, once what it does is durable. Raises as :meth:`write`.

        It shares a transaction with others, and may be called again after it was undone. ``lock``
        is the one row that it locks, where it locks no more.
        """
        result: Result = await self._retries.do(Work(work, lock))
        return result

    async def apart(self, units: Sequence[Unit]) -> Sequence[Outcome]:
        """The result or the error of each of ``units``, in a transaction of their own.

        On SQLite, which has one writer, they share one with others.
        """
        if self.embedded:
            doing = (self._writes.do(unit) for unit in units)
            outcomes: list[Outcome] = await asyncio.gather(*doing, return_exceptions=True)
            return outcomes
        return await carry_out(self._transaction, units)

    async def transact_alone(self, work: Callable[[Connection], Result]) -> Result:
        """As :meth:`transact`, in a transaction of its own, which fails no other change."""
        with storage_errors():
            return await self._transaction(work)

    async def repeat(self, statement: Executable, values: Mapping[str, Any] | None = None) -> int:
        """How many rows ``statement`` has changed, a part per transaction, until none is left."""

        def work(connection: Connection) -> int:
            return connection.execute(statement, values).rowcount

        done = 0
        while changed := await self.transact(work):
            done += changed
        return done

    async def read(self, query: Query, values: Mapping[str, Any] | None = None) -> Rows:
        """The few rows of a query that finds them by an index.

        Raises :class:`~domain.shared.errors.StorageUnavailable`.
        """
        if self.threads is None:
            return await self.read_many(query, values)
        rows: Rows = await self._reads.do(_Read(query, values))
        return rows

    async def read_many(self, query: Query, values: Mapping[str, Any] | None = None) -> Rows:
        """The rows of a query that may take long; others go on meanwhile. Raises as above."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience.total_seconds()
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
        async with self.reader.connect() as connection:
            rows: Rows = (await connection.execute(query, values)).all()
            return rows

    async def _carry_out_reads(self, reads: Sequence[_Read]) -> Sequence[Outcome]:
        assert self.threads is not None  # noqa: S101 - only an embedded database comes here
        reader, _ = self.threads

        def work(connection: Connection) -> Sequence[Outcome]:
            return [read.rows(connection) for read in reads]

        return await reader.transaction(work)

    async def _carry_out_writes(self, units: Sequence[Unit]) -> Sequence[Outcome]:
        return await carry_out(self._transaction, units)

    async def _transaction(self, work: Callable[[Connection], Result]) -> Result:
        try:
            result = await self._commit(work)
        except BaseException as error:
            self.commits.failed(error)
            raise
        self.commits.succeeded()
        return result

    async def _commit(self, work: Callable[[Connection], Result]) -> Result:
        if self.threads is not None:
            return await self.threads[1].transaction(work)
        lost = False
        try:
            async with self.writer.begin() as connection:
                try:
                    return await connection.run_sync(work)
                except DBAPIError as error:
                    lost = error.connection_invalidated
                    raise
        except DBAPIError:
            if not lost:  # or perhaps committed
                raise
        # Nothing of it was committed: after a fail-over a new connection reaches the new primary.
        async with self.writer.begin() as connection:
            return await connection.run_sync(work)

    async def prepare(self) -> None:
        """Make the file of an embedded database, and its folder, where they are not there."""
        if self.embedded:
            with storage_errors():
                await asyncio.to_thread(sqlite.make_file, Path(self.url.database or ""))

    async def scrub(self, traces: Sequence[str]) -> None:
        """Leave none of a person's traces in an embedded database's files but in its rows."""
        if self.embedded:
            with storage_errors():
                path = Path(self.url.database or "")
                await asyncio.to_thread(scrub.scrub, path, traces)

    async def dispose(self) -> None:
        """Close every connection; the database can be used again afterwards."""
        await self._writes.finished()
        await self._retries.finished()
        with storage_errors():
            for thread in self.threads or ():
                await thread.dispose()
            await self.reader.dispose()
            await self.writer.dispose()
