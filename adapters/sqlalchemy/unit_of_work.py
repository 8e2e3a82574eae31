"""A unit of work over a database: the one place where transactions are made."""

from __future__ import annotations

from types import TracebackType
from typing import Self

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
from domain.access.access import SYSTEM
from domain.events.announcer import Announcer
from domain.sessions.session_events import session_lane
from domain.shared.identifiers import SessionId
from domain.transcripts.policy import KEEP_ALL, TranscriptPolicy


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
        self.transcripts = SqlTranscripts(database, self._works, transcript_policy)
        self.recordings = SqlRecordings(database, self._writes)
        self.usage = SqlUsage(database, self._writes)
        self.webhooks = SqlWebhookChanges(self._writes)
        self.reports = SqlReports(database, self._writes)
        self._repositories = (
            self.events, self.sessions, self.calls, self.recordings, self.usage, self.reports,
        )  # fmt: skip

    async def commit(self, *, urgent: bool = True) -> None:
        """Make every change durable in one transaction or, on an error, none."""
        if self._writes or self._works:
            await self._database.write([*self._writes, *self._works], urgent=urgent)
            self.events.committed()
        self._forget()

    async def _lane_of(self, session_id: SessionId) -> str:
        session = await self.sessions.get(session_id, SYSTEM)
        return session_id.value if session is None else session_lane(session)

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
