"""The ledger, for use cases whose changes are one session in one transaction each."""

from __future__ import annotations

import attrs

from domain.access import Tenants
from domain.identifiers import RoomName, SessionId
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.session import Session


@attrs.frozen
class Ledger:
    """Reads and writes single sessions; errors as for the repository's methods."""

    unit_of_work: UnitOfWorkFactory

    async def get(self, session_id: SessionId) -> Session | None:
        """The session with this id."""
        async with self.unit_of_work() as work:
            return await work.sessions.get(session_id)

    async def live_in(self, room_name: RoomName) -> Session | None:
        """The room's live session."""
        async with self.unit_of_work() as work:
            return await work.sessions.live_in(room_name)

    async def newest_in(self, room_name: RoomName, tenants: Tenants = None) -> Session | None:
        """The room's newest session of these ``tenants``'."""
        async with self.unit_of_work() as work:
            return await work.sessions.newest_in(room_name, tenants)

    async def live_of(self, tenant: str) -> int:
        """How many live sessions are the tenant's."""
        async with self.unit_of_work() as work:
            return await work.sessions.live_of(tenant)

    async def add(self, session: Session) -> Session:
        """``session``, durable."""
        async with self.unit_of_work() as work:
            await work.sessions.add(session)
            await work.commit()
        return session

    async def save(self, session: Session) -> Session:
        """The change, durable, as the next reader sees it."""
        async with self.unit_of_work() as work:
            stored = await work.sessions.save(session)
            await work.commit()
        return stored
