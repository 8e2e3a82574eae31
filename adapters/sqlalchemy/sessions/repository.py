"""The ledger's sessions in a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import attrs

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.lookup import Query
from adapters.sqlalchemy.engine.page import of_tenants
from adapters.sqlalchemy.engine.prefix_pages import rows_of_page
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.events.appender import SqlEvents
from adapters.sqlalchemy.mapping import readable, readable_slices
from adapters.sqlalchemy.sessions.mapping import (
    session_moves,
    session_values,
    to_session,
    to_session_outline,
)
from adapters.sqlalchemy.sessions.statements import (
    ADD,
    ADD_ANNOUNCED,
    ADD_MANY,
    ENDS_DUE,
    GET,
    IN_INSTANCE,
    LIVE_AND_UNUSED_OF,
    LIVE_IN,
    LIVE_OF,
    LIVE_PAGE,
    NEWEST_IN,
    SAVE,
)
from adapters.sqlalchemy.sessions.table import SEARCHABLE, sessions
from domain.access.access import Access, visible
from domain.events.domain_event import DomainEvent
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_events import session_events
from domain.sessions.session_outline import SessionOutline
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import RoomName, SessionId
from domain.shared.pagination import Cursor


class SqlSessions:
    """Implements :class:`domain.sessions.repository.SessionRepository`.

    Changes are appended to ``writes``, for the unit of work to carry out; reads show them.
    """

    def __init__(
        self,
        database: Database,
        writes: list[Write],
        events: SqlEvents,
        *,
        whole_configs: bool = True,
    ) -> None:
        self._database = database
        self._events = events
        self._whole_configs = whole_configs
        self._writes = writes
        self._changed: dict[SessionId, Session] = {}

    def forget(self) -> None:
        """No longer show changes, which are committed or undone."""
        self._changed.clear()

    async def add(self, session: Session) -> None:
        """Store a new session; a conflict surfaces at commit."""
        values = self._stripped(
            session,
            session_values(session, self._events.announce_at(end_pending=session.end_pending)),
        )
        found, lock = self._events_of(session, session, is_new=True), _lock(session)
        if len(found) == 1 and session.phone is None and not self._database.embedded:
            self._events.write(ADD_ANNOUNCED.write(values, found[0], lock), found[0])
        else:
            key = session.id.value
            self._writes.append(Write(ADD, values, lock, many=ADD_MANY, key=key))
            self._events.extend(found)
        self._changed[session.id] = session.without_news()

    async def save(self, session: Session) -> Session:
        """Store a change of a session; a conflict surfaces at commit."""
        stored = session.stored()
        key = session.id.value
        which = {"saved_id": key, "read_version": session.version}
        moves = session_moves(stored, self._events.announce_at(end_pending=session.end_pending))
        values = self._stripped(session, moves) | which
        self._writes.append(Write(SAVE, values, _lock(session), key=key))
        self._events.extend(self._events_of(session, stored, is_new=False))
        self._changed[session.id] = stored
        return stored

    async def get(self, session_id: SessionId, access: Access) -> Session | None:
        """Return the session with this id, if visible."""
        changed = self._changed.get(session_id)
        return visible(changed or await self._first(GET, session_id.value), access)

    async def live_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's live session, of which there is at most one, if visible."""
        for session in self._changed_in(room_name):
            if session.is_live:
                return visible(session, access)
        found = self._unless_changed(await self._first(LIVE_IN, room_name.value))
        return visible(found, access)

    async def newest_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's visible session that was created last, live or ended."""
        candidates = [
            session for session in self._changed_in(room_name) if access.sees(session.tenant)
        ]
        query = of_tenants(NEWEST_IN, sessions, access.tenants)
        found = self._unless_changed(await self._first(query, room_name.value))
        if found is not None:
            candidates.append(found)
        return max(candidates, key=lambda session: session.age, default=None)

    def _events_of(
        self, session: Session, stored: Session, *, is_new: bool
    ) -> Sequence[DomainEvent]:
        """Return the events of a change, which show what is stored of the session."""
        announcer = self._events.announcer
        if announcer is None:
            return ()
        if not self._whole_configs:
            stored = attrs.evolve(stored, agent_config=stored.agent_config.outline)
        return session_events(announcer, session, stored, is_new=is_new)

    def _stripped(self, session: Session, values: dict[str, Any]) -> dict[str, Any]:
        """``values`` without what may not be kept."""
        if not self._whole_configs:
            values["agent_config"] = session.agent_config.outline.text
        return values

    def _unless_changed(self, found: Session | None) -> Session | None:
        return None if found is None or found.id in self._changed else found

    def _changed_in(self, room_name: RoomName) -> list[Session]:
        return [session for session in self._changed.values() if session.room_name == room_name]

    async def in_instance(self, room_sid: str, access: Access) -> list[Session]:
        """Return the committed sessions of this room instance, the newest first, if visible."""
        query = of_tenants(IN_INSTANCE, sessions, access.tenants)
        return [to_session(row) for row in await self._database.read(query, {"wanted": room_sid})]

    async def live_of(self, tenant: str) -> int:
        """How many committed sessions of the tenant's are live."""
        rows = await self._database.read(LIVE_OF, {"wanted": tenant})
        return int(rows[0][0])

    async def live_and_unused_of(self, tenant: str) -> tuple[int, int]:
        """Return how many are live, and how many of these are unused."""
        rows = await self._database.read(LIVE_AND_UNUSED_OF, {"wanted": tenant})
        return int(rows[0].live), int(rows[0].unused)

    async def live(
        self, unreadable: list[StorageUnavailable], access: Access
    ) -> AsyncIterator[list[SessionOutline]]:
        """Yield the outlines of all committed live sessions, a slice of a page at a time."""
        query, after = of_tenants(LIVE_PAGE, sessions, access.tenants), ""
        while rows := await self._database.read_many(query, {"after": after}):
            for outlines in readable_slices(rows, to_session_outline, unreadable):
                yield outlines
            after = rows[-1].room_name

    async def ends_due(
        self, now: datetime, limit: int, unreadable: list[StorageUnavailable], access: Access
    ) -> list[Session]:
        """Return committed sessions whose ends are to be announced by ``now``."""
        query = of_tenants(ENDS_DUE, sessions, access.tenants)
        rows = await self._database.read_many(query, {"now": now, "most": limit})
        return readable(rows, to_session, unreadable)

    async def page(
        self, wanted: SessionFilter, after: Cursor | None, limit: int, access: Access
    ) -> list[Session]:
        """The newest ``limit`` committed sessions that are wanted, of those after ``after``."""
        rows = await rows_of_page(self._database, SEARCHABLE, wanted, after, limit, access.tenants)
        return [to_session(row) for row in rows]

    async def _first(self, query: Query, wanted: str) -> Session | None:
        rows = await self._database.read(query, {"wanted": wanted})
        return to_session(rows[0]) if rows else None


def _lock(session: Session) -> Lock:
    """By its room, which may have one live session: its id alone would not order that index."""
    return "sessions", session.room_name.value
