"""The port to the ledger's sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final, Protocol

import attrs

from domain.access.access import Access
from domain.sessions.session import Session
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import SessionStatus
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import RoomName, SessionId
from domain.shared.pagination import Cursor, Span
from domain.shared.prefix import Prefix
from domain.shared.unit_of_work import UnitOfWork

MOST_IN_INSTANCE: Final = 20
"""One room instance seldom serves more than one session."""


@attrs.frozen(kw_only=True)
class SessionFilter:
    """Which sessions: those to which everything applies that is not None.

    ``prefix`` is that of the session's id, its room's name or sid, or its user's identity.
    """

    status: SessionStatus | None = None
    identity: str | None = None
    room_name: str | None = None
    prefix: Prefix | None = None
    created: Span = Span()


class SessionRepository(Protocol):
    """The ledger's sessions. Every method raises ``StorageUnavailable`` when storage fails."""

    async def add(self, session: Session) -> None:
        """Store a new session.

        Raises :class:`~domain.shared.errors.Conflict`, here or at commit, if its room already has a
        live one or its id is taken.
        """
        ...

    async def save(self, session: Session) -> Session:
        """Store a move of a session that was read at ``session.version``.

        Whose session it is, of which room and since when stays as it was added.
        Returns it as the next reader sees it, at ``session.version + 1``. Raises
        :class:`~domain.shared.errors.Conflict`, here or at commit, if it has changed since.
        """
        ...

    async def get(self, session_id: SessionId, access: Access) -> Session | None:
        """Return the session with this id if it is visible to ``access``."""
        ...

    async def live_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's live session, of which there is at most one, if it is visible."""
        ...

    async def newest_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the visible session of the room that was created last, live or ended."""
        ...

    async def in_instance(self, room_sid: str, access: Access) -> list[Session]:
        """Return the visible committed sessions of this room instance, the newest first.

        At most :data:`MOST_IN_INSTANCE`.
        """
        ...

    async def live_of(self, tenant: str) -> int:
        """How many committed sessions of the tenant's are live."""
        ...

    async def live_and_unused_of(self, tenant: str) -> tuple[int, int]:
        """Return how many of the tenant's are live, and how many of these are unused."""
        ...

    def live(
        self, unreadable: list[StorageUnavailable], access: Access
    ) -> AsyncIterator[Sequence[SessionOutline]]:
        """Yield the outlines of the visible committed live sessions, some hundreds at a time.

        The errors of rows that cannot be read are appended to ``unreadable``.
        """
        ...

    async def ends_due(
        self, now: datetime, limit: int, unreadable: list[StorageUnavailable], access: Access
    ) -> list[Session]:
        """Return up to ``limit`` visible sessions whose ends are to be announced by ``now``.

        Shows what is committed only. The errors of rows that cannot be read are appended to
        ``unreadable``.
        """
        ...

    async def page(
        self, wanted: SessionFilter, after: Cursor | None, limit: int, access: Access
    ) -> list[Session]:
        """Return the newest ``limit`` visible sessions that match, of those older than ``after``.

        Shows what is committed only.
        """
        ...


class SessionWork(UnitOfWork, Protocol):
    """A transaction on sessions."""

    @property
    def sessions(self) -> SessionRepository:
        """The sessions, as this transaction sees them."""
        ...
