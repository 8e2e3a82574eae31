"""Look sessions up in the ledger."""

from __future__ import annotations

from functools import partial

import attrs

from domain.access.access import Access
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.identifiers import RoomName, SessionId
from domain.shared.look_up import look_up
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page


@attrs.frozen
class ReadSessions:
    """Reads the ledger only; LiveKit is not asked."""

    ledger: SessionStore

    async def by_id(self, session_id: str, access: Access) -> Session:
        """Return the session with this id if it is visible. Raises ``NotFound``."""
        missing = "There is no session with this id."
        find = partial(self.ledger.get, access=access)
        return await look_up(session_id, SessionId, find, missing=missing, field="sessionId")

    async def by_room(self, room_name: str, access: Access) -> Session:
        """Return the room's newest session that is visible. Raises ``NotFound``."""
        missing = "No session was ever started in this room."
        find = partial(self.ledger.newest_in, access=access)
        return await look_up(room_name, RoomName, find, missing=missing, field="roomName")

    async def page(
        self,
        wanted: SessionFilter,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[Session] | None = None,
    ) -> Page[Session]:
        """The visible sessions that match, newest first, of those after ``after``."""
        await self.ledger.settled()
        async with self.ledger.unit_of_work() as work:
            read = partial(work.sessions.page, wanted, access=access)
            return await read_page(read, after, limit, capacity)
