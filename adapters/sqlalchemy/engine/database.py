"""A database: how to connect to it, to read from it and to write to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
from sqlalchemy import URL, Connection, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sqlalchemy.engine import scrub, sqlite
from adapters.sqlalchemy.engine.bulk import Bulk, NotInBulk, shape_of, writes_of
from adapters.sqlalchemy.engine.commits import Commits
from adapters.sqlalchemy.engine.direct_reads import DirectReads
from adapters.sqlalchemy.engine.errors import storage_errors
from adapters.sqlalchemy.engine.group_commit import Batches, Outcome, Watch
from adapters.sqlalchemy.engine.lookup import Lookup, Query
from adapters.sqlalchemy.engine.reads import Reads, Rows
from adapters.sqlalchemy.engine.retries import Retries
from adapters.sqlalchemy.engine.sqlite import SqliteThread
from adapters.sqlalchemy.engine.write import Lock, Scalar, Unit, Work, Write, carry_out, locks_of

Result = TypeVar("Result")

_LANES: Final = 4
"""Transactions that go on at a time; SQLite has one writer."""

AT_ONCE: Final = 500
"""Rows that one transaction deletes; others' changes wait for it."""

PAGE: Final = 500
"""Rows that one command reads where there may be many; other tasks have their turn between."""

PATIENCE: Final = timedelta(seconds=5)
"""How long one step may take: getting a connection, a lock or an answer."""


@attrs.frozen
class Database:
    """``reader`` runs single statements, each by itself; ``writer`` runs transactions.

    A database in a file has ``threads`` too: one that reads and one that writes. A hand-over
    between threads costs more than a statement does, so they get whole batches, and look-ups are
    ``direct``. A server's driver takes batches in ``bulk``.
    """

    url: URL
    reader: AsyncEngine
    writer: AsyncEngine
    threads: tuple[SqliteThread, SqliteThread] | None = None
    direct: DirectReads | None = None
    bulk: Bulk | None = attrs.field(default=None, kw_only=True)
    watch: Watch | None = attrs.field(default=None, kw_only=True)
    patience: timedelta = attrs.field(default=PATIENCE, kw_only=True)
    commits: Commits = attrs.field(factory=Commits, init=False)
    _reads: Reads = attrs.field(init=False)
    _writes: Batches[Unit] = attrs.field(init=False)
    _retries: Retries = attrs.field(init=False)

    @_reads.default
    def _read_together(self) -> Reads:
        thread = None if self.threads is None else self.threads[0]
        return Reads(self.reader, thread, self.direct, self.bulk, self.patience)

    @_writes.default
    def _group_commit(self) -> Batches[Unit]:
        writes = partial(Batches[Unit], self._carry_out_writes, watch=self.watch, locks=locks_of)
        if self.embedded:
            return writes(lanes=1)
        # Another statement in a transaction costs SQLite little, PostgreSQL a round trip.
        return writes(lanes=_LANES, kind=shape_of, defer_apart=True)

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

    async def write(self, writes: Sequence[Write | Work], *, urgent: bool = True) -> list[int]:
        """How many rows each of ``writes`` has changed, once all are durable, or none is.

        What is not ``urgent`` waits up to 20 ms for others to share their commit.
        Raises :class:`~domain.shared.errors.Conflict`, :class:`~domain.shared.errors.Unstorable` or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        changed: list[int] = await self._retries.do(writes, urgent=urgent)
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

    async def apart(self, units: Sequence[Scalar]) -> Sequence[Outcome]:
        """The value or the error of each statement of ``units``, in a transaction of their own.

        On SQLite, which has one writer, they share one with others.
        """
        if self.embedded:
            doing = (self._writes.do(unit) for unit in units)
            outcomes: list[Outcome] = await asyncio.gather(*doing, return_exceptions=True)
            return outcomes
        if self.bulk is None:
            return await carry_out(self._transaction, units)
        return await self._in_bulk(self.bulk.values(units), units)

    async def change_each(
        self, change: Lookup[ReturningUpdate[Any]], each: Sequence[Mapping[str, Any]]
    ) -> Rows:
        """The rows that ``change`` has changed for ``each`` of the values, in one commit.

        A round trip on PostgreSQL. Raises as :meth:`write`.
        """
        if self.bulk is not None:
            with suppress(NotInBulk), storage_errors():
                return await self._noted(self.bulk.change_each(change.query, each))

        def work(connection: Connection) -> Rows:
            return [row for values in each for row in change.rows(connection, values)]

        return await self.transact(work)

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
        return await self._reads.few(query, values)

    async def read_many(self, query: Query, values: Mapping[str, Any] | None = None) -> Rows:
        """The rows of a query that may take long; others go on meanwhile. Raises as above."""
        return await self._reads.many(query, values)

    async def _carry_out_writes(self, units: Sequence[Unit]) -> Sequence[Outcome]:
        if self.bulk is None or not (in_bulk := writes_of(units)):
            return await carry_out(self._transaction, units)
        return await self._in_bulk(self.bulk.write(in_bulk), units)

    async def _in_bulk(
        self, doing: Awaitable[Sequence[Outcome]], units: Sequence[Unit]
    ) -> Sequence[Outcome]:
        try:
            return await self._noted(doing)
        except NotInBulk as error:
            return await carry_out(self._transaction, units, has_refused=error.has_refused)

    async def _transaction(self, work: Callable[[Connection], Result]) -> Result:
        return await self._noted(self._commit(work))

    async def _noted(self, commit: Awaitable[Result]) -> Result:
        try:
            result = await commit
        except NotInBulk:
            raise
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
        # Nothing was committed: after a fail-over a new connection reaches the new primary.
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
            if self.direct is not None:
                self.direct.dispose()
            for thread in self.threads or ():
                await thread.dispose()
            await self.reader.dispose()
            await self.writer.dispose()
