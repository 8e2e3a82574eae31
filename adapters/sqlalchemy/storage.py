"""The database as the container sees it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Self

from adapters.sqlalchemy.engine import BUSY_LIMIT, make_engines, make_folder
from adapters.sqlalchemy.errors import storage_errors
from adapters.sqlalchemy.schema import ensure_schema, schema_version
from adapters.sqlalchemy.tables import SCHEMA_VERSION
from adapters.sqlalchemy.unit_of_work import SqlUnitOfWork
from domain.errors import StorageUnavailable


class SqlStorage:
    """Units of work on the database at ``url``.

    ``async with`` connects and sees to the schema: a SQLite file is made and migrated, a
    PostgreSQL database must have been (:class:`~adapters.sqlalchemy.errors.SchemaMismatch`).
    """

    def __init__(self, url: str, busy_limit: timedelta = BUSY_LIMIT) -> None:
        self._url = url
        self._engines = make_engines(url, busy_limit)
        self._writer = asyncio.Lock() if self._engines.embedded else None

    def unit_of_work(self) -> SqlUnitOfWork:
        """A unit of work that has not begun."""
        return SqlUnitOfWork(self._engines, self._writer)

    async def check(self) -> None:
        """Implements :class:`domain.ports.probe.Probe`: it answers, and the schema fits."""
        with storage_errors():
            async with self._engines.read.connect() as connection:
                found = await schema_version(connection)
        if found != SCHEMA_VERSION:
            raise StorageUnavailable("The database's schema is not this version's.")

    async def __aenter__(self) -> Self:
        with storage_errors():
            if self._engines.embedded:
                make_folder(self._url)
            await ensure_schema(self._engines)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._engines.write.dispose()
