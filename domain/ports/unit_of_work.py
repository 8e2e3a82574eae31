"""The ledger, read and changed one transaction at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from domain.access import Tenants
from domain.call import Call
from domain.errors import StorageUnavailable
from domain.identifiers import CallId, RoomName, SessionId
from domain.page import CallFilter, Position, SessionFilter
from domain.room_calls import CallOutline
from domain.session import Session
from domain.session_outline import SessionOutline


class SessionRepository(Protocol):
    """The ledger's sessions. Every method raises ``StorageUnavailable`` when storage fails."""

    async def add(self, session: Session) -> None:
        """Store a new session.

        Raises :class:`~domain.errors.Conflict`, here or at commit, if its room already has a
        live one or its id is taken.
        """
        ...

    async def save(self, session: Session) -> Session:
        """Store a move of a session that was read at ``session.version``.

        Whose session it is, of which room and since when stays as it was added.
        Returns it as the next reader sees it, at ``session.version + 1``. Raises
        :class:`~domain.errors.Conflict`, here or at commit, if it has changed since.
        """
        ...

    async def get(self, session_id: SessionId) -> Session | None:
        """The session with this id."""
        ...

    async def live_in(self, room_name: RoomName) -> Session | None:
        """The room's live session; there is at most one."""
        ...

    async def newest_in(self, room_name: RoomName, tenants: Tenants = None) -> Session | None:
        """The room's session, of these ``tenants``', that was created last, live or ended."""
        ...

    async def live_of(self, tenant: str) -> int:
        """How many committed sessions of the tenant's are live."""
        ...

    def live(self, unreadable: list[StorageUnavailable]) -> AsyncIterator[Sequence[SessionOutline]]:
        """Yield the outlines of all committed live sessions, some hundreds at a time.

        The errors of rows that cannot be read are appended to ``unreadable``.
        """
        ...

    async def page(
        self, wanted: SessionFilter, after: Position | None, limit: int
    ) -> list[Session]:
        """The newest ``limit`` sessions that are wanted, of those older than ``after``.

        Shows what is committed only.
        """
        ...


class CallRepository(Protocol):
    """The ledger's calls. Every method raises ``StorageUnavailable`` when storage fails."""

    async def add(self, call: Call) -> None:
        """Store a new call.

        Raises :class:`~domain.errors.Conflict`, here or at commit, if its id is taken or its
        participant has a call already.
        """
        ...

    async def save(self, call: Call) -> Call:
        """Store a move of a call that was read at ``call.version``; its leg stays as it was added.

        Returns it as the next reader sees it, at ``call.version + 1``. Raises
        :class:`~domain.errors.Conflict`, here or at commit, if it has changed since.
        """
        ...

    async def get(self, call_id: CallId) -> Call | None:
        """The call with this id."""
        ...

    async def of_participant(self, room_sid: str, participant_sid: str) -> Call | None:
        """The call that is this participant's stay in this room instance."""
        ...

    async def live_in(self, room_sid: str) -> list[Call]:
        """The calls in this room instance that have not ended."""
        ...

    async def newest_in(self, room_name: RoomName, tenants: Tenants = None) -> Call | None:
        """The room's call, of these ``tenants``', that was created last."""
        ...

    def live(self, unreadable: list[StorageUnavailable]) -> AsyncIterator[Sequence[CallOutline]]:
        """Yield the outlines of all committed calls that have not ended, as for sessions."""
        ...

    async def page(self, wanted: CallFilter, after: Position | None, limit: int) -> list[Call]:
        """The newest ``limit`` calls that are wanted, of those older than ``after``.

        Shows what is committed only.
        """
        ...


class UnitOfWork(Protocol):
    """One transaction.

    ``async with`` begins it; leaving the block without :meth:`commit` undoes it.
    """

    @property
    def sessions(self) -> SessionRepository:
        """The sessions, as this transaction sees them."""
        ...

    @property
    def calls(self) -> CallRepository:
        """The calls, as this transaction sees them."""
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
