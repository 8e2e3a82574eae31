"""Leases in a database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Executable,
    Table,
    Text,
    Update,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from adapters.sqlalchemy.capability import LONG_AGO, Capability, is_held
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Write
from adapters.sqlalchemy.schema.metadata import metadata
from domain.shared.errors import Conflict

leases: Final = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

_GET: Final = select(leases).where(leases.c.name == bindparam("wanted"))
_TAKE: Final[Executable] = (
    update(leases)
    .where(
        leases.c.name == bindparam("wanted"),
        or_(
            leases.c.holder == bindparam("by"),
            leases.c.expires_at <= bindparam("now"),
            leases.c.expires_at > bindparam("horizon"),
        ),
    )
    .values(holder=bindparam("by"), expires_at=bindparam("until"))
)
_RELEASE: Final[Executable] = (
    update(leases)
    .where(leases.c.name == bindparam("wanted"), leases.c.holder == bindparam("by"))
    .values(holder="", expires_at=bindparam("free_at"))
)


class SqlLeases:
    """Implements :class:`domain.operations.leases.Leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(
        self, name: str, holder: str, now: datetime, until: datetime, longest: timedelta
    ) -> bool:
        """Take or prolong ``name`` until then; False while another holder's lease runs."""
        horizon = now + longest
        rows = await self._database.read(_GET, {"wanted": name})
        if rows and rows[0].holder != holder and now < rows[0].expires_at <= horizon:
            return False  # without a lock
        values = {"wanted": name, "by": holder, "now": now, "horizon": horizon, "until": until}

        def take(connection: Connection) -> None:
            taken = connection.execute(_TAKE, values)
            if taken.rowcount == 0:
                connection.execute(
                    insert(leases), {"name": name, "holder": holder, "expires_at": until}
                )

        try:
            await self._database.transact(take, lock=("leases", name))
        except Conflict:
            return False  # another process was quicker
        return True

    async def release(self, name: str, holder: str, free_at: datetime) -> None:
        """Free the lease ``name`` from ``free_at`` on, if ``holder`` still has it."""
        values = {"wanted": name, "by": holder, "free_at": free_at}
        await self._database.write([Write(_RELEASE, values, ("leases", name), must_change=False)])


def _free(process_id: str | None) -> Update:
    """End the leases."""
    held = is_held(leases.c.holder, process_id)
    return update(leases).where(leases.c.holder != "", held).values(holder="", expires_at=LONG_AGO)


LEASES: Final = Capability(table=leases, free=_free)
