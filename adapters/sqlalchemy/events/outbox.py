"""The outbox in a database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence, Set
from datetime import datetime
from typing import Any, Final

import attrs
import structlog
from sqlalchemy import Executable, Integer, Row, Select, bindparam, func, select, text

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.engine.page import of_tenants
from adapters.sqlalchemy.events.mapping import to_event, to_head
from adapters.sqlalchemy.events.table import events
from adapters.sqlalchemy.mapping import readable
from domain.access.access import Access, visible
from domain.events.domain_event import MOST_SEQUENCE, EventHead, StoredEvent
from domain.shared.errors import StorageUnavailable, Unreadable
from domain.shared.identifiers import EventId

log = structlog.get_logger()

_c: Final = events.c


@attrs.frozen(eq=False)
class _Page:
    """The query for columns of events behind a position, alone and with the last position."""

    alone: Lookup[Any]
    with_last: Select[Any]

    @classmethod
    def of(cls, selected: Select[Any]) -> _Page:
        query = (
            selected.where(_c.position > bindparam("position"))
            .order_by(_c.position)
            .limit(bindparam("most", type_=Integer))
        )
        last = select(func.max(_c.position)).scalar_subquery().label("last")
        return cls(Lookup(query), query.add_columns(last))


_EVENTS: Final = _Page.of(select(events))
_HEADS: Final = _Page.of(select(_c.position, _c.id, _c.kind, _c.lane, _c.tenant, _c.known_at))
_LAST: Final = Lookup(select(func.coalesce(func.max(events.c.position), 0).label("last")))
# Of the sequence: it is not lowered when an event is erased, but is when a backup is restored.
_HIGHEST: Final = {
    True: text("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events'").columns(),
    False: text(
        "SELECT COALESCE(pg_sequence_last_value("
        "pg_get_serial_sequence('events', 'position')::regclass), 0)"
    ).columns(),
}
_LANE_PAGE: Final = Lookup(
    select(events)
    .where(_c.lane == bindparam("wanted"), _c.sequence < bindparam("below"))
    .order_by(_c.sequence.desc())
    .limit(bindparam("most", type_=Integer))
)
_FIND: Final = Lookup(select(events).where(events.c.id == bindparam("wanted")))
# Who inserts an event has this lock before it takes a position, and until its commit is visible.
_WRITERS: Final = text(
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation'"
    " AND relation = to_regclass('events') AND mode = 'RowExclusiveLock' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
).columns()
_newer: Final = events.alias("newer")
_PRUNE: Final[Executable] = delete_some(
    events,
    events.c.known_at < bindparam("before"),
    ~select(_newer.c.position)
    .where(_newer.c.lane == events.c.lane, _newer.c.known_at >= bindparam("before"))
    .exists(),
)
_PAUSE_SECONDS: Final = 0.01


@attrs.frozen
class _Waiting:
    """Positions up to ``position`` are settled once none of the ``writers`` goes on."""

    position: int
    writers: Set[str]


class SqlOutbox:
    """Implements :class:`domain.events.outbox.Outbox`.

    SQLite gives positions in the order of commits. PostgreSQL gives them before the commit: a
    reader may see 6 before 5. A position that is missing below one that is seen belongs to a
    transaction that runs, and holds the table's lock, or to none, and stays empty.

    A row that cannot be read, such as one of a later version, is skipped, and logged once;
    ``skipped`` is called then.
    """

    def __init__(self, database: Database, skipped: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._skipped = skipped
        self._settled = 0
        self._waiting: list[_Waiting] = []
        self._one_at_a_time = asyncio.Lock()
        self._unreadable: set[int] = set()

    async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
        """Return events behind ``position`` up to what may still appear."""
        rows = await self._after(_EVENTS, position, limit)
        found = []
        for row in rows:
            try:
                found.append(to_event(row))
            except Unreadable as error:
                self._note_unreadable(row.position, error)
        return found if found or not rows else await self.after(rows[-1].position, limit)

    async def heads_after(
        self, position: int, limit: int, unreadable: list[StorageUnavailable]
    ) -> Sequence[EventHead]:
        """Return the heads of what :meth:`after` returns."""
        rows = await self._after(_HEADS, position, limit)
        found = readable(rows, to_head, unreadable)
        if found or not rows:
            return found
        return await self.heads_after(rows[-1].position, limit, unreadable)

    async def _after(self, page: _Page, position: int, limit: int) -> Sequence[Row[Any]]:
        settled = self._settled
        rows = await self._read(page, position, limit)
        if self._database.embedded:
            return rows
        self._check_settled(settled, rows[0].last if rows else position)
        safe = self._prefix(position, rows)
        if len(safe) < len(rows):
            await self._settle(rows[-1].position)
            # Read again: what was committed since is behind the lock that has gone.
            safe = self._prefix(position, await self._read(page, position, limit))
        return safe

    async def last_position(self) -> int:
        """Return the last position, once nothing can appear before it."""
        settled = self._settled
        last = int((await self._database.read(_LAST))[0].last)
        if self._database.embedded:
            return last
        self._check_settled(settled, last)
        while last > self._settled:
            await self._settle(last)
            if last > self._settled:
                await asyncio.sleep(_PAUSE_SECONDS)
        return last

    async def highest_position(self) -> int:
        """Return the highest position that was given to an event."""
        query = _HIGHEST[self._database.embedded]
        return int((await self._database.read_many(query))[0][0])  # type: ignore[arg-type]

    async def find(self, event_id: EventId, access: Access) -> StoredEvent | None:
        """Return the event with this id, if visible."""
        rows = await self._database.read(_FIND, {"wanted": event_id.value})
        return visible(to_event(rows[0]), access) if rows else None

    async def page(
        self, lane: str, below: int | None, limit: int, access: Access
    ) -> Sequence[StoredEvent]:
        """Return the newest visible events of ``lane``."""
        query = of_tenants(_LANE_PAGE, events, access.tenants)
        found: list[StoredEvent] = []
        end, wanted = MOST_SEQUENCE if below is None else below, limit
        while wanted:
            values = {"wanted": lane, "below": end, "most": wanted}
            rows = await self._database.read_many(query, values)
            found += readable(rows, to_event, [])
            if len(rows) < wanted:
                break
            end, wanted = rows[-1].sequence, limit - len(found)
        return found

    async def prune(self, before: datetime) -> int:
        """Delete lanes whose newest event became known before then."""
        return await self._database.repeat(_PRUNE, {"before": before})

    async def _read(self, page: _Page, position: int, limit: int) -> Sequence[Row[Any]]:
        values = {"position": position, "most": limit}
        if self._database.embedded:
            return await self._database.read(page.alone, values)
        return await self._database.read_many(page.with_last, values)  # a limit that differs

    def _note_unreadable(self, position: int, error: Unreadable) -> None:
        if position not in self._unreadable:
            self._unreadable.add(position)
            self._skipped()
            skipped = len(self._unreadable)
            log.error("event skipped", reason=str(error), position=position, skipped=skipped)

    def _check_settled(self, settled: int, last: int) -> None:
        """Find out anew what is settled if a ledger that was read later ends before ``settled``.

        An older one was restored, or the newest event erased, which costs another look only.
        """
        if last < settled:
            self._settled = 0
            self._waiting.clear()

    def _prefix(self, position: int, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        """Return the first rows, up to a position that is missing and may still appear."""
        for number, row in enumerate(rows):
            if row.position - 1 > max(position, self._settled):
                return rows[:number]
            position = row.position
        return rows

    async def _settle(self, seen: int) -> None:
        """Find out whether positions up to ``seen``, which was read, are settled."""
        async with self._one_at_a_time:
            found = await self._database.read_many(_WRITERS)  # type: ignore[arg-type]
            writers = frozenset(row[0] for row in found)
            waiting = [
                _Waiting(one.position, left)
                for one in (*self._waiting, _Waiting(seen, writers))
                if (left := one.writers & writers) or self._note_settled(one.position)
            ]
            self._waiting = [one for one in waiting if one.position > self._settled]

    def _note_settled(self, position: int) -> bool:
        self._settled = max(self._settled, position)
        return False
