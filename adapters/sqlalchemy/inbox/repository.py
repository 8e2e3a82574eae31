"""The inbox in a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import attrs
from sqlalchemy import (
    Connection,
    Executable,
    String,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sqlalchemy.engine.bulk_statements import insert_rows
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.engine.write import Write
from adapters.sqlalchemy.inbox.claims import (
    LOOK,
    Found,
    Head,
    lease,
    look,
    padded,
    tidy,
)
from adapters.sqlalchemy.inbox.listing import list_queries
from adapters.sqlalchemy.inbox.mapping import entry_moves, entry_values, to_entry
from adapters.sqlalchemy.inbox.news_claims import LEASE_NEW
from adapters.sqlalchemy.inbox.table import ENTRY_FINISHES_ROOM, ENTRY_IS_PENDING, inbox
from domain.inbox.entry import LONGEST_WAIT, InboxEntry, InboxStatus
from domain.shared.errors import Conflict
from domain.shared.pagination import Cursor

_ADDED: Final = [
    column.name for column in inbox.c if column.name not in ("lease_holder", "lease_expires_at")
]
_ADD_SQLITE: Final[Executable] = sqlite.insert(inbox).on_conflict_do_nothing()
_ADD: Final[Executable] = postgresql.insert(inbox).on_conflict_do_nothing()
_ADD_MANY: Final[Executable] = insert_rows(inbox, _ADDED).on_conflict_do_nothing()
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
_REPLAY: Final[Executable] = update(inbox).where(
    inbox.c.event_id == bindparam("replayed"), ~ENTRY_IS_PENDING
)
_GET: Final = Lookup(select(inbox).where(inbox.c.event_id == bindparam("wanted")))
_FINISHED: Final = Lookup(
    select(inbox.c.event_id)
    .where(inbox.c.room_sid == bindparam("wanted"), ENTRY_FINISHES_ROOM)
    .limit(1)
)
_PRUNE: Final[Executable] = delete_some(
    inbox,
    inbox.c.status == literal_column("'handled'", String),
    inbox.c.received_at < bindparam("before"),
    inbox.c.handled_at < bindparam("before"),
)
_BACKLOG: Final = 32
"""Of so many rooms one look serves several claims; of fewer each claim takes the oldest anew."""
_CLAIMS_OF_A_LOOK: Final = 8
"""More would cost less, and new rooms would come in faster than looks go from room to room."""


_age: Final = attrgetter("received_at", "event_id")


class SqlInbox:
    """Implements :class:`domain.inbox.repository.Inbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next_room = ""
        self._heads: Sequence[Head] = ()
        """What the last look has found and no claim has taken since: one entry of each room."""
        self._claims_left = 0

    @property
    def is_shared(self) -> bool:
        """Whether other replicas may add events to it."""
        return not self._database.embedded

    async def add(self, entry: InboxEntry) -> bool:
        """Make ``entry`` durable; False if its event is there already."""
        write = Write(
            _ADD_SQLITE if self._database.embedded else _ADD,
            entry_values(entry),
            ("inbox", entry.event.id),
            must_change=False,
            many=_ADD_MANY,
            key=entry.event.id,
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
        values = {"now": now, "horizon": now + LONGEST_WAIT, "working": padded(working)}
        while True:
            start = self._next_room
            found = await self._find(values, limit)
            if not (found.heads or found.tidying):
                return []

            def claim(
                connection: Connection, found: Found = found, start: str = start
            ) -> tuple[list[InboxEntry], Sequence[Head], bool]:
                is_all = True
                if found.tidying:
                    is_all = tidy(connection, values, found)
                    found = look(connection, values, start)
                rows = lease(connection, found.heads[:limit], holder, until)
                return [to_entry(row) for row in rows], found.heads[limit:], is_all

            self._heads = ()
            try:
                entries, self._heads, is_all = await self._database.transact(claim)
            except Conflict:
                return []  # another replica has leased an entry of the same room at the same moment
            if entries or (is_all and not self._heads):
                return entries

    async def claim_news(
        self, holder: str, now: datetime, until: datetime, news: Collection[str]
    ) -> list[InboxEntry]:
        """Lease those of ``news`` that are the oldest of a room in which none is leased."""
        values = {"now": now, "horizon": now + LONGEST_WAIT, "by": holder, "until": until}
        each = [{**values, "wanted": event_id} for event_id in sorted(news)]
        self._heads, self._claims_left = (), 0  # they may be among the news
        try:
            rows = await self._database.change_each(LEASE_NEW, each)
        except Conflict:
            return []  # another replica has leased an entry of the same room at the same moment
        return [to_entry(row) for row in sorted(rows, key=_age)]

    async def _find(self, values: Mapping[str, Any], limit: int) -> Found:
        """Return what the last look has left, or look again, without a lock, if that is too little.

        Looks go on where the last one ended, and at the first rooms if that is too little.
        """
        if self._claims_left and len(self._heads) >= limit:
            self._claims_left -= 1
            return Found(heads=self._heads, tidying=(), next_room=self._next_room)
        start = self._next_room
        found = Found.of(await self._database.read(LOOK, {**values, "start": start}))
        if start and not found.next_room and len(found.heads) < limit:
            first = Found.of(await self._database.read(LOOK, {**values, "start": ""}))
            found = attrs.evolve(first, heads=sorted({*found.heads, *first.heads}))
        self._next_room = found.next_room
        self._claims_left = _CLAIMS_OF_A_LOOK - 1 if len(found.heads) >= _BACKLOG else 0
        return found

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
        values = {**free, **which}
        return await self._write(_SETTLE, entry, values, urgent=False) == 1

    async def get(self, event_id: str) -> InboxEntry | None:
        """The entry of this event."""
        rows = await self._database.read(_GET, {"wanted": event_id})
        return to_entry(rows[0]) if rows else None

    async def list(  # noqa: PLR0913 - each filter is a parameter
        self,
        status: InboxStatus | None,
        limit: int,
        room_name: str | None = None,
        room_sid: str | None = None,
        after: Cursor | None = None,
        *,
        kinds: Collection[str] = (),
    ) -> list[InboxEntry]:
        """Return the newest entries, of those older than ``after``."""
        found: list[InboxEntry] = []
        for query in list_queries(status, limit, room_name, room_sid, after, kinds):
            found += map(to_entry, await self._database.read_many(query))
        return sorted(found, key=attrgetter("age"), reverse=True)[:limit]

    async def counts(self) -> dict[InboxStatus, int]:
        """How many entries there are of each status."""
        query = select(inbox.c.status, func.count().label("number")).group_by(inbox.c.status)
        found = {row.status: row.number for row in await self._database.read_many(query)}
        return {status: found.get(status.value, 0) for status in InboxStatus}

    async def replay(self, entry: InboxEntry) -> bool:
        """Store an entry that was made pending again; False if it is not there, or is pending."""
        return await self._write(_REPLAY, entry, {"replayed": entry.event.id}) == 1

    async def has_finished(self, room_sid: str) -> bool:
        """Return whether an event reports the end of this room instance."""
        return bool(await self._database.read(_FINISHED, {"wanted": room_sid}))

    async def prune(self, before: datetime) -> int:
        """Delete entries that were handled before then; how many they were."""
        return await self._database.repeat(_PRUNE, {"before": before})

    async def _write(
        self,
        statement: Executable,
        entry: InboxEntry,
        which: dict[str, Any],
        *,
        urgent: bool = True,
    ) -> int:
        """How many rows the statement changed."""
        values = entry_moves(entry) | which
        key = entry.event.id
        write = Write(statement, values, ("inbox", key), must_change=False, key=key)
        (changed,) = await self._database.write([write], urgent=urgent)
        return changed
