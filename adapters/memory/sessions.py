"""The ledger's sessions as dictionaries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from itertools import islice

import attrs

from adapters.memory.events import MemoryEvents
from adapters.memory.session_table import SessionTable
from domain.access.access import Access, visible
from domain.sessions.repository import MOST_IN_INSTANCE, SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_events import session_events
from domain.sessions.session_outline import SessionOutline
from domain.shared.errors import Conflict, StorageUnavailable
from domain.shared.identifiers import RoomName, SessionId
from domain.shared.pagination import Cursor
from domain.shared.prefix import Prefix


@attrs.frozen
class Change:
    """A session as it shall be stored; ``replaces`` is the version it was read at, if it was."""

    session: Session
    replaces: int | None
    announce_at: datetime | None = None

    def apply_to(self, table: SessionTable) -> None:
        """Store it, or raise :class:`~domain.shared.errors.Conflict`."""
        stored = table.by_id.get(self.session.id)
        if (None if stored is None else stored.version) != self.replaces:
            raise Conflict(f"Session {self.session.id} has changed.")
        if self.session.is_live:
            live = table.live.get(self.session.room_name)
            if live not in (None, self.session.id):
                raise Conflict(f"Room '{self.session.room_name}' has a live session.")
        table.put(self.session)
        table.announce_at[self.session.id] = self.announce_at


class MemorySessions:
    """Implements :class:`domain.sessions.repository.SessionRepository`."""

    def __init__(self, committed: SessionTable, events: MemoryEvents) -> None:
        self._committed = committed
        self._events = events
        self.forget()

    def forget(self) -> None:
        """Drop the changes."""
        self.changes: list[Change] = []
        self._seen = self._committed.layer()

    def prepared(self) -> Callable[[], None]:
        """Return what stores the changes. Raises :class:`~domain.shared.errors.Conflict`."""
        layer = self._committed.layer()
        for change in self.changes:
            change.apply_to(layer)
        return partial(layer.merge_into, self._committed)

    async def add(self, session: Session) -> None:
        """Store a new session; a conflict surfaces at commit."""
        self._change(session, session.without_news(), None)

    async def save(self, session: Session) -> Session:
        """Store a change of a session; a conflict surfaces at commit."""
        stored = session.stored()
        self._change(session, stored, session.version)
        return stored

    def _change(self, session: Session, stored: Session, replaces: int | None) -> None:
        announcer, announce_at = self._events.announcer, None
        if announcer is not None:
            events = session_events(announcer, session, stored, is_new=replaces is None)
            self._events.extend(events)
            announce_at = announcer.announce_at(end_pending=session.end_pending)
        self.changes.append(Change(stored, replaces, announce_at))
        self._seen.put(stored)

    async def get(self, session_id: SessionId, access: Access) -> Session | None:
        """The session with this id."""
        return visible(self._seen.by_id.get(session_id), access)

    async def live_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's live session, if visible."""
        return visible(self._seen.live_in(room_name), access)

    async def newest_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's visible session that was created last, live or ended."""
        newest = self._seen.newest_in(room_name)
        if newest is None or access.sees(newest.tenant):
            return newest
        named = (each for each in self._seen.by_id.values() if each.room_name == room_name)
        theirs = (each for each in named if access.sees(each.tenant))
        return max(theirs, key=lambda session: session.age, default=None)

    async def in_instance(self, room_sid: str, access: Access) -> list[Session]:
        """Return the committed sessions of this room instance, the newest first, if visible."""
        stored = self._committed.by_id.values()
        found = (each for each in stored if each.room_sid == room_sid and access.sees(each.tenant))
        return sorted(found, key=lambda each: each.age, reverse=True)[:MOST_IN_INSTANCE]

    async def live_of(self, tenant: str) -> int:
        """How many committed sessions of the tenant's are live."""
        return (await self.live_and_unused_of(tenant))[0]

    async def live_and_unused_of(self, tenant: str) -> tuple[int, int]:
        """Return how many are live, and how many of these are unused."""
        unused = [each.is_unused for each in self._live() if each.tenant == tenant]
        return len(unused), sum(unused)

    def _live(self) -> list[Session]:
        by_id, ids = self._committed.by_id, self._committed.live.values()
        return [by_id[session_id] for session_id in ids if session_id is not None]

    async def live(
        self, _unreadable: list[StorageUnavailable], access: Access
    ) -> AsyncIterator[list[SessionOutline]]:
        """Yield the committed live sessions at once; each can be read."""
        yield [session for session in self._live() if access.sees(session.tenant)]

    async def ends_due(
        self, now: datetime, limit: int, _unreadable: list[StorageUnavailable], access: Access
    ) -> list[Session]:
        """Return committed sessions whose ends are to be announced by ``now``."""
        committed = self._committed
        due = [each for each, at in committed.announce_at.items() if at is not None and at <= now]
        found = (committed.by_id[session_id] for session_id in due)
        return list(
            islice((one for one in found if not one.is_live and access.sees(one.tenant)), limit)
        )

    async def page(
        self, wanted: SessionFilter, after: Cursor | None, limit: int, access: Access
    ) -> list[Session]:
        """The newest ``limit`` committed sessions that are wanted, of those after ``after``."""
        stored = self._committed
        found = (stored.by_id[SessionId(session_id)] for session_id in stored.order.after(after))
        seen = (session for session in found if access.sees(session.tenant))
        return list(islice((session for session in seen if _is_wanted(session, wanted)), limit))


def _is_wanted(session: Session, wanted: SessionFilter) -> bool:
    return (
        wanted.status in (None, session.status)
        and wanted.identity in (None, session.identity.value)
        and wanted.room_name in (None, session.room_name.value)
        and wanted.created.holds(session.created_at)
        and (wanted.prefix is None or _begins(session, wanted.prefix))
    )


def _begins(session: Session, prefix: Prefix) -> bool:
    names = (session.room_name.value, session.room_sid, session.identity.value)
    return prefix.matches(session.id.value, names)
