"""The inbox in a database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Executable,
    String,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sqlalchemy.database import AT_ONCE, Database
from adapters.sqlalchemy.mapping import entry_moves, entry_values, to_entry
from adapters.sqlalchemy.tables import (
    ENTRY_FINISHES_ROOM,
    ENTRY_IS_LEASED,
    ENTRY_IS_PENDING,
    inbox,
)
from adapters.sqlalchemy.write import Write
from domain.errors import Conflict
from domain.inbox import LONGEST_WAIT, InboxEntry, InboxStatus

_ADDED: Final = [
    column.name for column in inbox.c if column.name not in ("lease_holder", "lease_expires_at")
]
_FREE_EVERY: Final = timedelta(seconds=1)
_PENDING: Final = literal_column("'pending'", String)
_earlier: Final = inbox.alias("earlier")
_NOW: Final = bindparam("now", type_=inbox.c.due_at.type)
_HORIZON: Final = bindparam("horizon", type_=inbox.c.due_at.type)


def _is_over(at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the time has come, or was set before the clock was set back."""
    return or_(at <= _NOW, at > _HORIZON)


_HEADS: Final = (
    select(inbox)
    .where(
        ENTRY_IS_PENDING,
        _is_over(inbox.c.due_at),
        inbox.c.lease_holder.is_(None),
        ~exists().where(
            _earlier.c.room_name == inbox.c.room_name,
            _earlier.c.status == _PENDING,
            or_(
                _earlier.c.lease_holder.is_not(None),
                and_(
                    _is_over(_earlier.c.due_at),
                    tuple_(_earlier.c.received_at, _earlier.c.event_id)
                    < tuple_(inbox.c.received_at, inbox.c.event_id),
                ),
            ),
        ),
    )
    .order_by(inbox.c.received_at, inbox.c.event_id)
    .limit(bindparam("most"))
)
"""The oldest due entry of each room in which none is leased."""

_DUE: Final = (
    select(inbox.c.event_id)
    .where(
        ENTRY_IS_PENDING,
        _is_over(inbox.c.due_at),
        or_(inbox.c.lease_holder.is_(None), _is_over(inbox.c.lease_expires_at)),
    )
    .limit(1)
)
# Another replica's row is passed over, not waited for: two that wait for each other are a deadlock.
# SQLite, which locks the file, ignores this.
_HEADS_LOCKED: Final = _HEADS.with_for_update(skip_locked=True, of=inbox)
_EXPIRED: Final = (
    select(inbox.c.event_id)
    .where(
        ENTRY_IS_LEASED,
        _is_over(inbox.c.lease_expires_at),
        inbox.c.event_id.not_in(bindparam("working", expanding=True)),
    )
    .with_for_update(skip_locked=True)
)
_FREE_EXPIRED: Final[Executable] = (
    update(inbox)
    .where(inbox.c.event_id.in_(_EXPIRED))
    .values(lease_holder=None, lease_expires_at=None)
)
_ADD_SQLITE: Final[Executable] = sqlite.insert(inbox).on_conflict_do_nothing()
_ADD: Final[Executable] = postgresql.insert(inbox).on_conflict_do_nothing()
_ROWS: Final = (
    func.unnest(*(bindparam(name, type_=ARRAY(inbox.c[name].type)) for name in _ADDED))
    .table_valued(*_ADDED)
    .render_derived()
)
# Statements that differ in their number of rows would each be prepared anew.
_ADD_MANY: Final[Executable] = (
    postgresql.insert(inbox)
    .from_select(_ADDED, select(_ROWS))
    .on_conflict_do_nothing()
    .returning(inbox.c.event_id)
)
_LEASE: Final[Executable] = (
    update(inbox)
    .where(inbox.c.event_id.in_(bindparam("ids", expanding=True)))
    .values(lease_holder=bindparam("by"), lease_expires_at=bindparam("until"))
)
_RENEW: Final[Executable] = (
    update(inbox)
    .where(
        inbox.c.event_id.in_(bindparam("ids", expanding=True)),
        inbox.c.lease_holder == bindparam("by"),
    )
    .values(lease_expires_at=bindparam("until"))
)
_SETTLE: Final[Executable] = update(inbox).where(
    inbox.c.event_id == bindparam("settled"), inbox.c.lease_holder == bindparam("by")
)
_REPLAY: Final[Executable] = update(inbox).where(inbox.c.event_id == bindparam("replayed"))
_GET: Final = select(inbox).where(inbox.c.event_id == bindparam("wanted"))
_FINISHED: Final = (
    select(inbox.c.event_id)
    .where(inbox.c.room_sid == bindparam("wanted"), ENTRY_FINISHES_ROOM)
    .limit(1)
)
_PRUNE: Final[Executable] = delete(inbox).where(
    inbox.c.event_id.in_(
        select(inbox.c.event_id)
        .where(
            inbox.c.status == literal_column("'handled'", String),
            inbox.c.received_at < bindparam("before"),
            inbox.c.handled_at < bindparam("before"),
        )
        .limit(AT_ONCE)
    )
)


class SqlInbox:
    """Implements :class:`domain.ports.inbox.Inbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._busy = False
        self._freed_at = datetime.min.replace(tzinfo=UTC)

    async def add(self, entry: InboxEntry) -> bool:
        """Make ``entry`` durable; False if its event is there already."""
        embedded = self._database.embedded
        write = Write(
            _ADD_SQLITE if embedded else _ADD,
            entry_values(entry),
            ("inbox", entry.event.id),
            must_change=False,
            many=None if embedded else _ADD_MANY,
        )
        (added,) = await self._database.write([write])
        return added == 1

    async def claim(
        self,
        holder: str,
        now: datetime,
        until: datetime,
        limit: int,
        working: Collection[str] = (),
    ) -> list[InboxEntry]:
        """Lease the oldest due entry of each room in which none is leased."""
        times = {"now": now, "horizon": now + LONGEST_WAIT}
        if not self._busy and not await self._database.read(_DUE, times):
            return []  # without a lock for an idle inbox
        free = abs(now - self._freed_at) >= _FREE_EVERY

        def lease(connection: Connection) -> list[InboxEntry]:
            if free:
                connection.execute(_FREE_EXPIRED, {**times, "working": [*working, ""]})
            heads = connection.execute(_HEADS_LOCKED, {**times, "most": limit})
            entries = [to_entry(row) for row in heads]
            if entries:
                ids = [entry.event.id for entry in entries]
                connection.execute(_LEASE, {"ids": ids, "by": holder, "until": until})
            return entries

        try:
            entries = await self._database.transact(lease)
        except Conflict:
            return []  # another replica has leased an entry of the same room at the same moment
        self._busy = bool(entries)
        if free:
            self._freed_at = now
        return entries

    async def renew(self, holder: str, event_ids: Collection[str], until: datetime) -> int:
        """Prolong the leases that ``holder`` still has on these entries; how many it has."""
        values = {"ids": list(event_ids), "by": holder, "until": until}

        def renew(connection: Connection) -> int:
            return connection.execute(_RENEW, values).rowcount

        return await self._database.transact(renew)

    async def settle(self, entry: InboxEntry, holder: str) -> bool:
        """Store what has become of a leased entry and give the lease back."""
        which = {"settled": entry.event.id, "by": holder}
        free = {"lease_holder": None, "lease_expires_at": None}
        return await self._write(_SETTLE, entry, {**free, **which}) == 1

    async def get(self, event_id: str) -> InboxEntry | None:
        """The entry of this event."""
        rows = await self._database.read(_GET, {"wanted": event_id})
        return to_entry(rows[0]) if rows else None

    async def list(
        self, status: InboxStatus | None, limit: int, room_name: str | None = None
    ) -> list[InboxEntry]:
        """The newest entries, of this status and room if given."""
        query = select(inbox).order_by(inbox.c.received_at.desc(), inbox.c.event_id.desc())
        if status is not None:
            query = query.where(inbox.c.status == status.value)
        if room_name is not None:
            query = query.where(inbox.c.room_name == room_name)
        return [to_entry(row) for row in await self._database.read_many(query.limit(limit))]

    async def counts(self) -> dict[InboxStatus, int]:
        """How many entries there are of each status."""
        query = select(inbox.c.status, func.count().label("number")).group_by(inbox.c.status)
        found = {row.status: row.number for row in await self._database.read_many(query)}
        return {status: found.get(status.value, 0) for status in InboxStatus}

    async def replay(self, entry: InboxEntry) -> bool:
        """Store an entry that was made pending again; False if it is not there."""
        return await self._write(_REPLAY, entry, {"replayed": entry.event.id}) == 1

    async def has_finished(self, room_sid: str) -> bool:
        """Whether an event is there that tells of this room instance's end."""
        return bool(await self._database.read(_FINISHED, {"wanted": room_sid}))

    async def prune(self, before: datetime) -> int:
        """Delete entries that were handled before then; how many they were."""

        def prune(connection: Connection) -> int:
            return connection.execute(_PRUNE, {"before": before}).rowcount

        return await self._database.repeat(prune)

    async def _write(self, statement: Executable, entry: InboxEntry, which: dict[str, Any]) -> int:
        """How many rows the statement changed."""
        values = entry_moves(entry) | which
        write = Write(statement, values, ("inbox", entry.event.id), must_change=False)
        (changed,) = await self._database.write([write])
        return changed
