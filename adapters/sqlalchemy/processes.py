"""The processes that serve on a database, and what they hold in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    String,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata

# The processes that serve; what each holds is held under a name that begins with its id and a dot.
processes: Final = Table(
    "processes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

PROCESSES: Final = Capability(table=processes)

_TIME: Final = select(func.clock_timestamp().label("now"))
_ALL: Final = select(processes)
_THIS: Final = select(processes.c.id).where(processes.c.id == bindparam("wanted"))
_ADD: Final = insert(processes)
_BEAT: Final = (
    update(processes)
    .where(processes.c.id == bindparam("beating"))
    .values(seen_at=bindparam("seen_at"))
)
_REMOVE: Final = delete(processes).where(
    processes.c.id == bindparam("dead"),
    or_(
        bindparam("any_time"),
        processes.c.seen_at == bindparam("seen_at", type_=processes.c.seen_at.type),
    ),
)


class SqlProcesses:
    """Implements :class:`domain.operations.processes.Processes`.

    Each of ``frees`` makes a statement that frees what a process holds or, for None, what any
    process holds. Its condition must not be in a subquery: PostgreSQL then checks it again on a row
    that another process has taken over meanwhile.
    """

    def __init__(self, database: Database, frees: Sequence[Callable[[str | None], Update]]) -> None:
        self._database = database
        self._frees = frees

    async def time(self) -> datetime | None:
        """The database server's clock; None for a file, which is on this machine."""
        if self._database.embedded:
            return None
        (row,) = await self._database.read(_TIME)
        now: datetime = row.now
        return now

    async def register(self, process_id: str, now: datetime, *, alone: bool) -> None:
        """Add a process. ``alone`` frees all that others hold."""

        def register(connection: Connection) -> None:
            if alone:
                connection.execute(delete(processes))
                self._free(connection, None)
            connection.execute(_ADD, {"id": process_id, "started_at": now, "seen_at": now})

        await self._database.transact(register)

    async def beat(self, process_id: str, now: datetime) -> Mapping[str, datetime] | None:
        """When each process was seen last; None if this one is no longer registered."""

        def beat(connection: Connection) -> Mapping[str, datetime] | None:
            values = {"beating": process_id, "seen_at": now}
            if connection.execute(_BEAT, values).rowcount == 0:
                return None
            return {row.id: row.seen_at for row in connection.execute(_ALL)}

        return await self._database.transact(beat, lock=("processes", process_id))

    async def is_registered(self, process_id: str) -> bool:
        """Whether the process is there."""
        return bool(await self._database.read(_THIS, {"wanted": process_id}))

    async def free(self, process_id: str, seen_at: datetime | None = None) -> bool:
        """Remove a process and free what it held."""

        def free(connection: Connection) -> bool:
            values = {"dead": process_id, "seen_at": seen_at, "any_time": seen_at is None}
            if connection.execute(_REMOVE, values).rowcount == 0:
                return False
            self._free(connection, process_id)
            return True

        return await self._database.transact(free)

    def _free(self, connection: Connection, process_id: str | None) -> None:
        for free in self._frees:
            connection.execute(free(process_id))
