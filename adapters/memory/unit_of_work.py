"""A unit of work over the process's memory."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import attrs

from adapters.memory.call_table import CallTable
from adapters.memory.calls import MemoryCalls
from adapters.memory.events import MemoryEvents, MemoryOutbox
from adapters.memory.recordings import MemoryRecordings, RecordingTable
from adapters.memory.reports import MemoryReports, ReportTable
from adapters.memory.session_table import SessionTable
from adapters.memory.sessions import MemorySessions
from adapters.memory.transcripts import MemoryTranscripts, TranscriptTable
from adapters.memory.usage import MemoryUsage, UsageTable
from adapters.memory.webhooks import MemoryWebhookChanges, MemoryWebhooks
from domain.events.announcer import Announcer
from domain.sessions.session_events import lane_of
from domain.shared.identifiers import SessionId


@attrs.frozen(kw_only=True)
class Tables:
    """What units of work change together."""

    sessions: SessionTable
    calls: CallTable
    outbox: MemoryOutbox
    transcripts: TranscriptTable
    recordings: RecordingTable
    usage: UsageTable
    reports: ReportTable
    webhooks: MemoryWebhooks


class MemoryUnitOfWork:
    """Implements the ``…Work`` of every capability, such as
    :class:`domain.calls.repository.CallWork`.

    Changes are kept aside until :meth:`commit`, where conflicts surface.
    """

    def __init__(self, tables: Tables, announcer: Announcer | None) -> None:
        self.events = MemoryEvents(tables.outbox, announcer, self._lane_of)
        self.sessions = MemorySessions(tables.sessions, self.events)
        self.calls = MemoryCalls(tables.calls, self.events)
        self.transcripts = MemoryTranscripts(tables.transcripts)
        self.recordings = MemoryRecordings(tables.recordings)
        self.usage = MemoryUsage(tables.usage)
        self.webhooks = MemoryWebhookChanges(tables.webhooks)
        self.reports = MemoryReports(tables.reports)
        self._repositories = (
            self.sessions, self.calls, self.transcripts, self.recordings, self.usage,
            self.webhooks, self.reports, self.events,
        )  # fmt: skip

    async def commit(self, *, urgent: bool = True) -> None:  # noqa: ARG002 - nothing to wait for
        """Apply every change or, on :class:`~domain.shared.errors.Conflict`, none."""
        # Without an await in here no other task sees, or changes, anything in between.
        for store in [each.prepared() for each in self._repositories]:
            store()
        self.events.committed()
        self._forget()

    async def _lane_of(self, session_id: SessionId) -> str:
        return await lane_of(self.sessions, session_id)

    def _forget(self) -> None:
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
