"""Whether the ledger would serve a request now: read, and write."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary, Table, delete, insert

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.migrations import check_schema
from domain.shared.errors import StorageUnavailable

LIMIT_SECONDS: Final = 3.0
"""How long a caller waits for an answer, as for LiveKit's."""


class StorageProbe:
    """Implements :class:`domain.operations.probe.Probe` for a database.

    It reads each time, and writes to ``tables`` where the last commits do not show whether that
    succeeds. One attempt is under way at a time, however long it takes and however many ask.
    """

    def __init__(self, database: Database, tables: Sequence[Table]) -> None:
        self._database = database
        self._write = partial(write_and_delete, tables)
        self._attempt: asyncio.Task[StorageUnavailable | None] | None = None
        self._problem: StorageUnavailable | None = None

    async def check(self) -> None:
        """Raise ``StorageUnavailable`` with the reason if it would not serve.

        Within ``LIMIT_SECONDS``: a reason that is not known by then is the last one that was.
        """
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.create_task(self._try())
        attempt = self._attempt
        await asyncio.wait({attempt}, timeout=LIMIT_SECONDS)
        if attempt.done():
            problem = self._problem = attempt.result()
        else:
            problem = self._problem or StorageUnavailable("The database did not answer in time.")
        if problem is not None:
            raise problem.with_traceback(None) from None

    async def finished(self) -> None:
        """Return once nothing is under way."""
        if self._attempt is not None:
            await asyncio.wait({self._attempt})

    async def _try(self) -> StorageUnavailable | None:
        try:
            await check_schema(self._database)
            if not self._database.commits.show_success:
                self._database.commits.trying()
                await self._database.transact_alone(self._write)
        except StorageUnavailable as error:
            self._problem = error
            return error
        return None


def write_and_delete(tables: Iterable[Table], connection: Connection) -> None:
    """Add a row to each table, and delete it: nothing is left of it.

    They are those that requests write to, because a server may lack space, or a privilege, for one
    table and not for another.
    """
    mark, now = str(uuid4()), datetime.now(UTC)
    for table in tables:
        required = [column for column in table.columns if not column.nullable]
        row = {column.name: _value(column, mark, now) for column in required}
        connection.execute(insert(table), row)
        same = (column == row[column.name] for column in table.primary_key)
        connection.execute(delete(table).where(*same))


def _value(column: Column[Any], mark: str, now: datetime) -> object:
    match column.type:
        case UtcDateTime():
            return now
        case Boolean():
            return False
        case Integer():
            return 0
        case LargeBinary():
            return mark.encode()
    length: int | None = getattr(column.type, "length", None)
    return mark[:length]
