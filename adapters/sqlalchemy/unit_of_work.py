"""A unit of work over a database: the one place where transactions are made."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import Protocol, Self, TypeVar

from adapters.sqlalchemy.calls.repository import SqlCalls
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.write import Work, Write
from adapters.sqlalchemy.events.appender import SqlEvents
from adapters.sqlalchemy.recordings.repository import SqlRecordings
from adapters.sqlalchemy.reports import SqlReports
from adapters.sqlalchemy.sessions.repository import SqlSessions
from adapters.sqlalchemy.transcripts.repository import SqlTranscripts
from adapters.sqlalchemy.usage.repository import SqlUsage
from adapters.sqlalchemy.webhooks.repository import SqlWebhookChanges
from domain.events.announcer import Announcer
from domain.sessions.session_events import lane_of
from domain.shared.identifiers import SessionId
from domain.transcripts.policy import KEEP_ALL, TranscriptPolicy


class _Repository(Protocol):
    """What shows the changes of a unit of work."""

    def forget(self) -> None:
        """No longer show changes, which are committed or undone."""
        ...


Joined = TypeVar("Joined", bound=_Repository)


class SqlUnitOfWork:
    """Implements the ``…Work`` of every capability, such as
    :class:`domain.calls.repository.CallWork`.

    Changes are kept aside until :meth:`commit`, where conflicts surface: a transaction, and on
    SQLite the lock, is held while it is written and not while a use case thinks. Reads see what
    is committed, and this unit's changes.
    """

    def __init__(
        self,
        database: Database,
        announcer: Announcer | None,
        *,
        whole_configs: bool = True,
        transcript_policy: TranscriptPolicy = KEEP_ALL,
    ) -> None:
        self._database = database
        self._writes: list[Write] = []
        self._works: list[Work] = []
        self.events = SqlEvents(self._writes, announcer, self._lane_of)
        self.sessions = SqlSessions(
            database, self._writes, self.events, whole_configs=whole_configs
        )
        self.calls = SqlCalls(database, self._writes, self.events)
        self._transcript_policy = transcript_policy
        self._repositories: list[_Repository] = [self.events, self.sessions, self.calls]

    # Made when they are used: most units change sessions and calls only.

    @cached_property
    def transcripts(self) -> SqlTranscripts:
        """Return the transcripts, which keep their changes for this transaction."""
        return SqlTranscripts(self._database, self._works, self._transcript_policy)

    @cached_property
    def webhooks(self) -> SqlWebhookChanges:
        """Return what changes webhooks in this transaction."""
        return SqlWebhookChanges(self._writes)

    @cached_property
    def recordings(self) -> SqlRecordings:
        """Return the recordings as this transaction sees them."""
        return self._joined(SqlRecordings(self._database, self._writes))

    @cached_property
    def usage(self) -> SqlUsage:
        """Return the usage as this transaction sees it."""
        return self._joined(SqlUsage(self._database, self._writes, self._works))

    @cached_property
    def reports(self) -> SqlReports:
        """Return the reports as this transaction sees them."""
        return self._joined(SqlReports(self._database, self._writes, self._works))

    def _joined(self, repository: Joined) -> Joined:
        self._repositories.append(repository)
        return repository

    async def commit(self, *, urgent: bool = True) -> None:
        """Make every change durable in one transaction or, on an error, none."""
        if self._writes or self._works:
            await self._database.write([*self._writes, *self._works], urgent=urgent)
            self.events.committed()
        self._forget()

    async def _lane_of(self, session_id: SessionId) -> str:
        return await lane_of(self.sessions, session_id)

    def _forget(self) -> None:
        self._writes.clear()
        self._works.clear()
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
