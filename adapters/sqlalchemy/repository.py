"""The ledger's sessions in the ``sessions`` table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from sqlalchemy import CursorResult, Executable, Select, insert, select, update

from adapters.sqlalchemy.errors import storage_errors
from adapters.sqlalchemy.mapping import to_row, to_session
from adapters.sqlalchemy.tables import sessions
from domain.errors import Conflict
from domain.identifiers import RoomName, SessionId
from domain.session import Session, SessionStatus

Execute = Callable[[Executable], Awaitable[CursorResult[Any]]]


@attrs.frozen
class SqlSessions:
    """Implements :class:`domain.ports.unit_of_work.SessionRepository`.

    ``read`` and ``write`` execute one statement; the unit of work decides in which transaction.
    """

    read: Execute
    write: Execute

    async def add(self, session: Session) -> None:
        """Store a new session."""
        with storage_errors():
            await self.write(insert(sessions).values(to_row(session)))

    async def save(self, session: Session) -> None:
        """Store a change of a session that was read at ``session.version``."""
        statement = (
            update(sessions)
            .where(sessions.c.id == str(session.id), sessions.c.version == session.version)
            .values(to_row(session.stored()))
        )
        with storage_errors():
            result = await self.write(statement)
        if result.rowcount == 0:
            raise Conflict(f"Session {session.id} has changed.")

    async def get(self, session_id: SessionId) -> Session | None:
        """The session with this id."""
        return await self._one(select(sessions).where(sessions.c.id == str(session_id)))

    async def live_in(self, room_name: RoomName) -> Session | None:
        """The room's live session."""
        return await self._one(
            select(sessions).where(
                sessions.c.room_name == str(room_name),
                sessions.c.status != SessionStatus.ENDED.value,
            )
        )

    async def newest_in(self, room_name: RoomName) -> Session | None:
        """The room's session that was created last."""
        return await self._one(
            select(sessions)
            .where(sessions.c.room_name == str(room_name))
            .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
            .limit(1)
        )

    async def _one(self, statement: Select[Any]) -> Session | None:
        with storage_errors():
            row = (await self.read(statement)).mappings().first()
        return None if row is None else to_session(row)
