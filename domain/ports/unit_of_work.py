"""The ledger, read and changed one transaction at a time."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from domain.identifiers import RoomName, SessionId
from domain.session import Session


class SessionRepository(Protocol):
    """The ledger's sessions. Every method raises ``StorageUnavailable`` when storage fails."""

    async def add(self, session: Session) -> None:
        """Store a new session.

        Raises :class:`~domain.errors.Conflict`, here or at commit, if its room already has a
        live one or its id is taken.
        """
        ...

    async def save(self, session: Session) -> None:
        """Store a change of a session that was read at ``session.version``.

        Raises :class:`~domain.errors.Conflict`, here or at commit, if it has changed since.
        Afterwards the stored version is ``session.version + 1``.
        """
        ...

    async def get(self, session_id: SessionId) -> Session | None:
        """The session with this id."""
        ...

    async def live_in(self, room_name: RoomName) -> Session | None:
        """The room's live session; there is at most one."""
        ...

    async def newest_in(self, room_name: RoomName) -> Session | None:
        """The room's session that was created last, live or ended."""
        ...


class UnitOfWork(Protocol):
    """One transaction.

    ``async with`` begins it; leaving the block without :meth:`commit` undoes it.
    """

    @property
    def sessions(self) -> SessionRepository:
        """The sessions, as this transaction sees them."""
        ...

    async def commit(self) -> None:
        """Make every change durable; once it returns, no crash loses it."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class UnitOfWorkFactory(Protocol):
    """Makes a unit of work that has not begun."""

    def __call__(self) -> UnitOfWork:
        """A new unit of work."""
        ...
