"""The ledger's sessions in a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from sqlalchemy import Executable, Label, and_, bindparam, case, func, insert, or_, select, update

from adapters.sqlalchemy.engine.bulk_statements import insert_rows
from adapters.sqlalchemy.engine.database import PAGE, Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.lookup import Lookup, Query
from adapters.sqlalchemy.engine.page import of_tenants, page_of
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.mapping import readable_slices
from adapters.sqlalchemy.sessions.mapping import (
    session_moves,
    session_values,
    to_session,
    to_session_outline,
)
from adapters.sqlalchemy.sessions.table import (
    LISTING,
    SESSION_IS_LIVE,
    SESSION_WAS_UNUSED,
    sessions,
)
from domain.access.access import Access, visible
from domain.sessions.repository import MOST_IN_INSTANCE, SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import SessionStatus
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import RoomName, SessionId
from domain.shared.pagination import Cursor

# Built once: SQLAlchemy then finds their compiled form by identity.
_GET: Final = Lookup(select(sessions).where(sessions.c.id == bindparam("wanted")))
_LIVE_IN: Final = Lookup(
    select(sessions).where(sessions.c.room_name == bindparam("wanted"), SESSION_IS_LIVE)
)
_NEWEST_IN: Final = Lookup(
    select(sessions)
    .where(sessions.c.room_name == bindparam("wanted"))
    .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
    .limit(1)
)
_IN_INSTANCE: Final = (
    select(sessions)
    .where(sessions.c.room_sid == bindparam("wanted"))
    .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
    .limit(MOST_IN_INSTANCE)
)
_LIVE_OF: Final = (
    select(func.count())
    .select_from(sessions)
    .where(sessions.c.tenant == bindparam("wanted"), SESSION_IS_LIVE)
)
# As SessionOutline.is_unused.
_IS_UNUSED: Final = and_(
    sessions.c.join_until.is_not(None),
    sessions.c.status == SessionStatus.CREATED.value,
    sessions.c.dispatch_id.is_(None),
    sessions.c.room_sid.is_(None),
    sessions.c.claim_holder.is_(None),
    sessions.c.claim_uncertain.is_(False),
)
_COUNTS: Final[Sequence[Label[Any]]] = (
    func.count().label("live"), func.count(case((_IS_UNUSED, 1))).label("unused"),
)  # fmt: skip
_LIVE_AND_UNUSED_OF: Final = select(*_COUNTS).where(
    sessions.c.tenant == bindparam("wanted"), SESSION_IS_LIVE
)
# By the index of live rooms. The other columns may hold kilobytes.
_LIVE_PAGE: Final = (
    select(
        sessions.c.id,
        sessions.c.room_name,
        sessions.c.room_sid,
        sessions.c.status,
        sessions.c.dispatch_id,
        sessions.c.claim_holder,
        sessions.c.claim_expires_at,
        sessions.c.claim_uncertain,
        sessions.c.created_at,
        sessions.c.dispatched_at,
        sessions.c.ended_at,
        sessions.c.retry_at,
        sessions.c.join_until,
        sessions.c.token_until,
        sessions.c.version,
    )
    .where(SESSION_IS_LIVE, sessions.c.room_name > bindparam("after"))
    .order_by(sessions.c.room_name)
    .limit(PAGE)
)
_ADD: Final[Executable] = insert(sessions)
_ADD_MANY: Final[Executable] = insert_rows(sessions)
_SAVE: Final[Executable] = update(sessions).where(
    sessions.c.id == bindparam("saved_id"), sessions.c.version == bindparam("read_version")
)

# What ended before then was created before then, which an index finds.
PRUNE_SESSIONS: Final[Executable] = delete_some(
    sessions,
    sessions.c.status.in_([SessionStatus.ENDED.value]),
    sessions.c.created_at < bindparam("before"),
    sessions.c.ended_at < bindparam("before"),
    # A token that is still valid opens the room, which its tenant keeps until then.
    or_(sessions.c.token_until.is_(None), sessions.c.token_until < bindparam("before")),
)
PRUNE_UNUSED: Final[Executable] = delete_some(
    sessions,
    SESSION_WAS_UNUSED,
    sessions.c.join_until < bindparam("before"),
    sessions.c.ended_at < bindparam("before"),
)


class SqlSessions:
    """Implements :class:`domain.sessions.repository.SessionRepository`.

    Changes are appended to ``writes``, for the unit of work to carry out; reads show them.
    """

    def __init__(
        self, database: Database, writes: list[Write], *, whole_configs: bool = True
    ) -> None:
        self._database = database
        self._whole_configs = whole_configs
        self._writes = writes
        self._changed: dict[SessionId, Session] = {}

    def forget(self) -> None:
        """No longer show changes, which are committed or undone."""
        self._changed.clear()

    async def add(self, session: Session) -> None:
        """Store a new session; a conflict surfaces at commit."""
        values = self._stripped(session, session_values(session))
        key = session.id.value
        self._writes.append(Write(_ADD, values, _lock(session), many=_ADD_MANY, key=key))
        self._changed[session.id] = session

    async def save(self, session: Session) -> Session:
        """Store a change of a session; a conflict surfaces at commit."""
        stored = session.stored()
        key = session.id.value
        which = {"saved_id": key, "read_version": session.version}
        values = self._stripped(session, session_moves(stored)) | which
        self._writes.append(Write(_SAVE, values, _lock(session), key=key))
        self._changed[session.id] = stored
        return stored

    async def get(self, session_id: SessionId, access: Access) -> Session | None:
        """Return the session with this id, if visible."""
        changed = self._changed.get(session_id)
        return visible(changed or await self._first(_GET, session_id.value), access)

    async def live_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's live session, of which there is at most one, if visible."""
        for session in self._changed_in(room_name):
            if session.is_live:
                return visible(session, access)
        found = self._unless_changed(await self._first(_LIVE_IN, room_name.value))
        return visible(found, access)

    async def newest_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's visible session that was created last, live or ended."""
        candidates = [
            session for session in self._changed_in(room_name) if access.sees(session.tenant)
        ]
        query = of_tenants(_NEWEST_IN, sessions, access.tenants)
        found = self._unless_changed(await self._first(query, room_name.value))
        if found is not None:
            candidates.append(found)
        return max(candidates, key=lambda session: session.age, default=None)

    async def in_instance(self, room_sid: str, access: Access) -> list[Session]:
        """Return the committed sessions of this room instance, the newest first, if visible."""
        query = of_tenants(_IN_INSTANCE, sessions, access.tenants)
        return [to_session(row) for row in await self._database.read(query, {"wanted": room_sid})]

    def _stripped(self, session: Session, values: dict[str, Any]) -> dict[str, Any]:
        """``values`` without what may not be kept."""
        if not self._whole_configs:
            values["agent_config"] = session.agent_config.outline.text
        return values

    def _unless_changed(self, found: Session | None) -> Session | None:
        return None if found is None or found.id in self._changed else found

    def _changed_in(self, room_name: RoomName) -> list[Session]:
        return [session for session in self._changed.values() if session.room_name == room_name]

    async def live_of(self, tenant: str) -> int:
        """How many committed sessions of the tenant's are live."""
        rows = await self._database.read(_LIVE_OF, {"wanted": tenant})
        return int(rows[0][0])

    async def live_and_unused_of(self, tenant: str) -> tuple[int, int]:
        """Return how many are live, and how many of these are unused."""
        rows = await self._database.read(_LIVE_AND_UNUSED_OF, {"wanted": tenant})
        return int(rows[0].live), int(rows[0].unused)

    async def live(
        self, unreadable: list[StorageUnavailable], access: Access
    ) -> AsyncIterator[list[SessionOutline]]:
        """Yield the outlines of all committed live sessions, a slice of a page at a time."""
        query, after = of_tenants(_LIVE_PAGE, sessions, access.tenants), ""
        while rows := await self._database.read_many(query, {"after": after}):
            for outlines in readable_slices(rows, to_session_outline, unreadable):
                yield outlines
            after = rows[-1].room_name

    async def page(
        self, wanted: SessionFilter, after: Cursor | None, limit: int, access: Access
    ) -> list[Session]:
        """The newest ``limit`` committed sessions that are wanted, of those after ``after``."""
        lateral = not self._database.embedded
        query, values = page_of(LISTING, wanted, after, limit, access.tenants, lateral=lateral)
        return [to_session(row) for row in await self._database.read_many(query, values)]

    async def _first(self, query: Query, wanted: str) -> Session | None:
        rows = await self._database.read(query, {"wanted": wanted})
        return to_session(rows[0]) if rows else None


def _lock(session: Session) -> Lock:
    """By its room, which may have one live session: its id alone would not order that index."""
    return "sessions", session.room_name.value
