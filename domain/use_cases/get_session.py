"""Look a session up in the ledger."""

from __future__ import annotations

import attrs

from domain.errors import InvalidInput, NotFound
from domain.identifiers import RoomName, SessionId
from domain.ledger import Ledger
from domain.session import Session


@attrs.frozen
class GetSession:
    """Reads the ledger only; LiveKit is not asked."""

    ledger: Ledger

    async def by_id(self, session_id: str) -> Session:
        """The session with this id. Raises :class:`NotFound`."""
        missing = NotFound("There is no session with this id.", field="sessionId")
        try:
            wanted = SessionId(session_id)
        except InvalidInput:
            raise missing from None
        session = await self.ledger.get(wanted)
        if session is None:
            raise missing
        return session

    async def by_room(self, room_name: str) -> Session:
        """The newest session of this room. Raises :class:`NotFound`."""
        missing = NotFound("No session was ever started in this room.", field="roomName")
        try:
            wanted = RoomName(room_name)
        except InvalidInput:
            raise missing from None
        session = await self.ledger.newest_in(wanted)
        if session is None:
            raise missing
        return session
