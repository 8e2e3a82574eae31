"""A unit of work over a database transaction."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sqlalchemy.engine import Engines
from adapters.sqlalchemy.errors import storage_errors
from adapters.sqlalchemy.repository import SqlSessions


class SqlUnitOfWork:
    """Implements :class:`domain.ports.unit_of_work.UnitOfWork`.

    The transaction begins with the first write; a read before it runs on its own and waits for
    nobody. ``writer``, if given, lets one writer of this process in at a time: SQLite's own queue
    is a busy loop.
    """

    def __init__(self, engines: Engines, writer: asyncio.Lock | None) -> None:
        self._engines = engines
        self._writer = writer
        self._stack = AsyncExitStack()
        self._connection: AsyncConnection | None = None
        self.sessions = SqlSessions(self._read, self._write)

    async def commit(self) -> None:
        """Make every change durable."""
        if self._connection is not None:
            with storage_errors():
                await self._connection.commit()
            await self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        self._connection = None
        with storage_errors():
            await self._stack.aclose()

    async def _read(self, statement: Executable) -> CursorResult[Any]:
        if self._connection is not None:
            return await self._connection.execute(statement)
        async with self._engines.read.connect() as connection:
            return await connection.execute(statement)

    async def _write(self, statement: Executable) -> CursorResult[Any]:
        if self._connection is None:
            if self._writer is not None:
                await self._stack.enter_async_context(self._writer)
            self._connection = await self._stack.enter_async_context(self._engines.write.connect())
        return await self._connection.execute(statement)
