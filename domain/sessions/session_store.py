"""The ledger, for use cases whose changes are one session in one transaction each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from domain.access.access import Access
from domain.sessions.repository import SessionWork
from domain.sessions.session import Session
from domain.shared.background_tasks import BackgroundTasks
from domain.shared.errors import Conflict, DomainError, InvalidInput
from domain.shared.identifiers import RoomName, SessionId
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen
class SessionStore:
    """Reads and writes single sessions; errors as for the repository's methods.

    ``lost`` is called with what :meth:`record` could not make durable.
    """

    unit_of_work: UnitOfWorkFactory[SessionWork]
    lost: Callable[[Session, DomainError], None] = lambda _session, _error: None
    _recorded: dict[RoomName, Session] = attrs.field(factory=dict, init=False, eq=False)
    _recording: BackgroundTasks = attrs.field(factory=BackgroundTasks, init=False, eq=False)

    def record(self, session: Session, otherwise: Callable[[], Awaitable[object]]) -> Session:
        """The change as the next reader sees it, which becomes durable after this has returned.

        For what can be found out again where it is lost. ``otherwise`` is called if another request
        has changed the session.
        """
        stored = session.stored()
        self._recorded[session.room_name] = stored
        self._recording.start(self._record(session, stored, otherwise))
        return stored

    async def _record(
        self, session: Session, stored: Session, otherwise: Callable[[], Awaitable[object]]
    ) -> None:
        try:
            try:
                await self.save(session, urgent=False)
            except Conflict:
                self._show_no_more(stored)
                await otherwise()
        except DomainError as error:
            self.lost(stored, error)
        finally:
            self._show_no_more(stored)

    def _show_no_more(self, stored: Session) -> None:
        """Read the session from storage again."""
        if self._recorded.get(stored.room_name) is stored:
            del self._recorded[stored.room_name]

    async def settled(self) -> None:
        """Return once all that is being recorded now is durable, or lost."""
        await self._recording.settled()

    async def get(self, session_id: SessionId, access: Access) -> Session | None:
        """Return the session with this id if it is visible to ``access``."""
        for session in self._recorded.values():
            if session.id == session_id:
                return session if access.sees(session.tenant) else None
        async with self.unit_of_work() as work:
            return await work.sessions.get(session_id, access)

    async def find(self, session_id: str | None, access: Access) -> Session | None:
        """Return the visible session with this id, which may be any text."""
        try:
            wanted = SessionId(session_id or "")
        except InvalidInput:
            return None
        return await self.get(wanted, access)

    async def live_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's live session if it is visible to ``access``."""
        recorded = self._recorded.get(room_name)
        if recorded is not None:
            return recorded if access.sees(recorded.tenant) else None
        async with self.unit_of_work() as work:
            return await work.sessions.live_in(room_name, access)

    async def newest_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's newest visible session."""
        recorded = self._recorded.get(room_name)
        if recorded is not None and access.sees(recorded.tenant):
            return recorded  # a live one is the newest
        async with self.unit_of_work() as work:
            return await work.sessions.newest_in(room_name, access)

    async def live_of(self, tenant: str) -> int:
        """How many live sessions are the tenant's."""
        async with self.unit_of_work() as work:
            return await work.sessions.live_of(tenant)

    async def live_and_unused_of(self, tenant: str) -> tuple[int, int]:
        """Return how many live sessions are the tenant's, and how many of these are unused."""
        async with self.unit_of_work() as work:
            return await work.sessions.live_and_unused_of(tenant)

    async def add(self, session: Session) -> Session:
        """``session``, durable."""
        async with self.unit_of_work() as work:
            await work.sessions.add(session)
            await work.commit()
        return session.without_news()

    async def save(self, session: Session, *, urgent: bool = True) -> Session:
        """The change, durable, as the next reader sees it; see :meth:`UnitOfWork.commit`."""
        async with self.unit_of_work() as work:
            stored = await work.sessions.save(session)
            await work.commit(urgent=urgent)
        return stored
