"""Look sessions up in the ledger."""

from __future__ import annotations

from functools import partial

import attrs

from domain.access.access import Access
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.identifiers import RoomName
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page


@attrs.frozen
class ReadSessions:
    """Reads the ledger only; LiveKit is not asked."""

    ledger: SessionStore

    async def by_id(self, session_id: str, access: Access) -> Session:
        """The session with this id, if it is visible. Raises :class:`NotFound`."""
        session = await self.ledger.find(session_id, access)
        if session is None:
            raise NotFound("There is no session with this id.", field="sessionId")
        return session

    async def by_room(self, room_name: str, access: Access) -> Session:
        """The newest session of this room that is visible. Raises :class:`NotFound`."""
        missing = NotFound("No session was ever started in this room.", field="roomName")
        try:
            wanted = RoomName(room_name)
        except InvalidInput:
            raise missing from None
        session = await self.ledger.newest_in(wanted, access)
        if session is None:
            raise missing
        return session

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
