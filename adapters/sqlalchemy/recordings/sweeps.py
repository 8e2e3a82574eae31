"""What sweeps of the store have seen, in a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
    Executable,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata
from domain.recordings.sweep_notes import OrphanNote, SweepPosition

recording_sweeps: Final = Table(
    "recording_sweeps",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("ledger", String(36), nullable=False),
    Column("number", BigInteger, nullable=False),
)
recording_orphans: Final = Table(
    "recording_orphans",
    metadata,
    Column("object_key", Text, primary_key=True),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("first_sweep", BigInteger, nullable=False),
    Column("last_sweep", BigInteger, nullable=False),
)
RECORDING_SWEEPS: Final = Capability(table=recording_sweeps)
RECORDING_ORPHANS: Final = Capability(table=recording_orphans)

_NAME: Final = "store"
_POSITION: Final = select(recording_sweeps).where(recording_sweeps.c.name == _NAME)
_MOVE: Final[Executable] = (
    update(recording_sweeps)
    .where(recording_sweeps.c.name == _NAME)
    .values(ledger=bindparam("ledger_id"), number=bindparam("sweep"))
)
_ADD_POSITION: Final[Executable] = insert(recording_sweeps)
_KEYS: Final[BindParameter[str]] = bindparam("keys", expanding=True)
_NOTED: Final = select(recording_orphans).where(recording_orphans.c.object_key.in_(_KEYS))
_SEEN: Final[Executable] = (
    update(recording_orphans)
    .where(recording_orphans.c.object_key.in_(_KEYS))
    .values(last_sweep=bindparam("sweep"))
)
_ADD: Final[Executable] = insert(recording_orphans)
_FORGET: Final[Executable] = delete(recording_orphans).where(
    recording_orphans.c.object_key.in_(_KEYS)
)
_FORGET_UNSEEN: Final[Executable] = delete(recording_orphans).where(
    recording_orphans.c.last_sweep < bindparam("sweep")
)


class SqlSweepNotes:
    """Implements :class:`domain.recordings.sweep_notes.SweepNotes`; one sweep runs at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self) -> SweepPosition | None:
        """Return where the ledger is."""
        rows = await self._database.read_many(_POSITION)
        return SweepPosition(rows[0].ledger, rows[0].number) if rows else None

    async def begin(self, position: SweepPosition) -> None:
        """Store the position, durable."""

        def work(connection: Connection) -> None:
            values = {"ledger_id": position.ledger, "sweep": position.number}
            if not connection.execute(_MOVE, values).rowcount:
                first = {"name": _NAME, "ledger": position.ledger, "number": position.number}
                connection.execute(_ADD_POSITION, first)

        await self._database.transact(work)

    async def note(
        self, keys: Collection[str], sweep: int, at: datetime
    ) -> Mapping[str, OrphanNote]:
        """Note that ``sweep`` saw these orphans."""
        if not keys:
            return {}

        def work(connection: Connection) -> dict[str, OrphanNote]:
            connection.execute(_SEEN, {"keys": list(keys), "sweep": sweep})
            noted = {
                row.object_key: OrphanNote(row.first_seen_at, row.first_sweep)
                for row in connection.execute(_NOTED, {"keys": list(keys)})
            }
            new = [key for key in keys if key not in noted]
            for key in new:
                values = {"object_key": key, "first_seen_at": at}
                connection.execute(_ADD, values | {"first_sweep": sweep, "last_sweep": sweep})
            return noted | {key: OrphanNote(at, sweep) for key in new}

        return await self._database.transact(work)

    async def forget(self, keys: Collection[str]) -> None:
        """Drop the notes of these objects."""
        if keys:
            await self._database.transact(
                lambda connection: connection.execute(_FORGET, {"keys": list(keys)}).rowcount
            )

    async def forget_unseen(self, sweep: int) -> None:
        """Drop the notes of what ``sweep`` has not seen."""
        await self._database.transact(
            lambda connection: connection.execute(_FORGET_UNSEEN, {"sweep": sweep}).rowcount
        )
