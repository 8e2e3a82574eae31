"""The processes that serve on a database, and what they hold in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.schema.tables import (
    ENTRY_IS_LEASED,
    SESSION_IS_LIVE,
    inbox,
    leases,
    processes,
    sessions,
)
from domain.operations.process import holders_of

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
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
    """Implements :class:`domain.operations.processes.Processes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
                _free(connection, None)
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
            _free(connection, process_id)
            return True

        return await self._database.transact(free)


def _free(connection: Connection, process_id: str | None) -> None:
    """Free what the process holds, or what any does.

    Each condition is the statement's own, not a subquery's: PostgreSQL checks it again on a row
    that another process has taken over meanwhile.

    An idempotency key is free once its holder is not registered (:class:`SqlIdempotency`).
    """
    connection.execute(
        update(sessions)
        .where(SESSION_IS_LIVE, _is_held(sessions.c.claim_holder, process_id))
        .values(claim_expires_at=_LONG_AGO)
    )
    connection.execute(
        update(inbox)
        .where(ENTRY_IS_LEASED, _is_held(inbox.c.lease_holder, process_id))
        .values(lease_holder=None, lease_expires_at=None)
    )
    connection.execute(
        update(leases)
        .where(leases.c.holder != "", _is_held(leases.c.holder, process_id))
        .values(holder="", expires_at=_LONG_AGO)
    )


def _is_held(
    holder: ColumnElement[str] | ColumnElement[str | None], process_id: str | None
) -> ColumnElement[bool]:
    if process_id is None:
        return holder.is_not(None)
    return holder.startswith(holders_of(process_id), autoescape=True)
