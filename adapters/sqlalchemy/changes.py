"""What has changed lately in a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import BindParameter, Column, Integer, Row, Select, bindparam, select, union

from adapters.sqlalchemy.api_keys import api_keys
from adapters.sqlalchemy.calls.table import calls
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.inbox.table import inbox
from adapters.sqlalchemy.sessions.table import SESSION_IS_LIVE, sessions
from adapters.sqlalchemy.webhooks.mapping import to_reach
from adapters.sqlalchemy.webhooks.table import webhook_deliveries
from domain.changes.change import Area, Change, Room
from domain.inbox.entry import InboxStatus


def _since(by: Column[datetime], *columns: Column[Any]) -> Select[Any]:
    query = select(by.label("at"), *columns).where(by >= bindparam("since", type_=UtcDateTime))
    return query.order_by(by).limit(bindparam("most", type_=Integer))


_delivery: Final = webhook_deliveries.c
_DELIVERY: Final = (
    _delivery.id,
    _delivery.status,
    _delivery.failures,
    _delivery.tenant,
    _delivery.sees_unowned,
    _delivery.sees_all,
)
_ENTRY: Final = (inbox.c.event_id, inbox.c.status, inbox.c.room_name, inbox.c.room_sid)
_QUERIES: Final[Mapping[Area, Sequence[Select[Any]]]] = {
    # Without an index: its routes read all of them, too.
    Area.API_KEYS: [_since(api_keys.c.last_used_at, api_keys.c.id)],
    Area.DELIVERIES: [
        _since(_delivery.settled_at, *_DELIVERY),
        _since(_delivery.changed_at, *_DELIVERY),
    ],
    Area.INBOX: [
        # Each status is a range of the index.
        _since(inbox.c.received_at, *_ENTRY).where(inbox.c.status.in_([*InboxStatus])),
        _since(inbox.c.changed_at, *_ENTRY),
    ],
}


def _owners() -> Select[Any]:
    sids: BindParameter[str] = bindparam("sids", expanding=True)
    names: BindParameter[str] = bindparam("names", expanding=True)
    is_awaited = SESSION_IS_LIVE & sessions.c.room_sid.is_(None)
    found = union(
        select(sessions.c.tenant).where(sessions.c.room_sid.in_(sids)),
        select(sessions.c.tenant).where(is_awaited, sessions.c.room_name.in_(names)),
        select(calls.c.tenant).where(calls.c.room_sid.in_(sids)),
    )
    return select(found.subquery())


_OWNERS: Final = _owners()


class SqlChanges:
    """Implements :class:`domain.changes.recent_changes.RecentChanges`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, area: Area, at: datetime, limit: int) -> Sequence[Change]:
        """Return the oldest ``limit`` changes of an area at ``at`` or later, by their time."""
        values, found = {"since": at, "most": limit}, list[Change]()
        for query in _QUERIES[area]:
            rows = await self._database.read_many(query, values)
            found += [_CHANGE_OF[area](row) for row in rows]
        return sorted(found, key=attrgetter("at"))[:limit]

    async def owners(self, rooms: Collection[Room]) -> frozenset[str | None]:
        """Return the tenants of the sessions and calls that these rooms serve, or served."""
        values = {"names": [name for name, _ in rooms], "sids": [sid for _, sid in rooms]}
        return frozenset(row.tenant for row in await self._database.read_many(_OWNERS, values))


def _of_key(row: Row[Any]) -> Change:
    return Change(area=Area.API_KEYS, key=(row.id, row.at), at=row.at)


def _of_delivery(row: Row[Any]) -> Change:
    key = row.id, row.status, row.failures, row.at
    return Change(area=Area.DELIVERIES, key=key, at=row.at, reach=to_reach(row))


def _of_entry(row: Row[Any]) -> Change:
    room = (row.room_name, row.room_sid) if row.room_name else None
    key = row.event_id, row.status, row.at
    return Change(area=Area.INBOX, key=key, at=row.at, room=room)


_CHANGE_OF: Final = {
    Area.API_KEYS: _of_key,
    Area.DELIVERIES: _of_delivery,
    Area.INBOX: _of_entry,
}
