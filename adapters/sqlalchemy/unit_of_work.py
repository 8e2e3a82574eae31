"""A unit of work over a database: the one place where transactions are made."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from adapters.sqlalchemy.calls.repository import SqlCalls
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.write import Write
from adapters.sqlalchemy.events.appender import SqlEvents
from adapters.sqlalchemy.reports import SqlReports
from adapters.sqlalchemy.sessions.repository import SqlSessions
from domain.access.access import SYSTEM
from domain.events.announcer import Announcer
from domain.sessions.session_events import session_lane
from domain.shared.identifiers import SessionId


class SqlUnitOfWork:
    """Implements :class:`domain.calls.repository.CallWork`.

    Changes are kept aside until :meth:`commit`, where conflicts surface: a transaction, and on
    SQLite the lock, is held while it is written and not while a use case thinks. Reads see what
    is committed, and this unit's changes.
    """

    def __init__(
        self, database: Database, announcer: Announcer | None, *, whole_configs: bool = True
    ) -> None:
        self._database = database
        self._writes: list[Write] = []
        self.events = SqlEvents(self._writes, announcer, self._lane_of)
        self.sessions = SqlSessions(
            database, self._writes, self.events, whole_configs=whole_configs
        )
        self.calls = SqlCalls(database, self._writes, self.events)
        self.reports = SqlReports(database, self._writes)
        self._repositories = (self.events, self.sessions, self.calls, self.reports)

    async def commit(self, *, urgent: bool = True) -> None:
        """Make every change durable in one transaction or, on an error, none."""
        if self._writes:
            await self._database.write([*self._writes], urgent=urgent)
            self.events.committed()
        self._forget()

    async def _lane_of(self, session_id: SessionId) -> str:
        session = await self.sessions.get(session_id, SYSTEM)
        return session_id.value if session is None else session_lane(session)

    def _forget(self) -> None:
        self._writes.clear()
        for each in self._repositories:
            each.forget()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._forget()
