"""A unit of work over a database: the one place where transactions are made."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from adapters.sqlalchemy.calls.repository import SqlCalls
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.write import Write
from adapters.sqlalchemy.reports import SqlReports
from adapters.sqlalchemy.sessions.repository import SqlSessions


class SqlUnitOfWork:
    """Implements :class:`domain.calls.repository.CallWork`.

    Changes are kept aside until :meth:`commit`, where conflicts surface: a transaction, and on
    SQLite the lock, is held while it is written and not while a use case thinks. Reads see what
    is committed, and this unit's changes.
    """

    def __init__(self, database: Database, *, whole_configs: bool = True) -> None:
        self._database = database
        self._writes: list[Write] = []
        self.sessions = SqlSessions(database, self._writes, whole_configs=whole_configs)
        self.calls = SqlCalls(database, self._writes)
        self.reports = SqlReports(database, self._writes)
        self._repositories = (self.sessions, self.calls, self.reports)

    async def commit(self, *, urgent: bool = True) -> None:
        """Make every change durable in one transaction or, on an error, none."""
        if self._writes:
            await self._database.write([*self._writes], urgent=urgent)
        self._forget()

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
