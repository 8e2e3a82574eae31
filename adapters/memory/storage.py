"""The ledger in the process's memory."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Self

from adapters.memory.agents import MemoryAgents
from adapters.memory.api_keys import MemoryApiKeys
from adapters.memory.call_table import CallTable
from adapters.memory.capability import Capability
from adapters.memory.changes import MemoryChanges
from adapters.memory.deliveries import MemoryDeliveries
from adapters.memory.events import MemoryOutbox
from adapters.memory.idempotency import MemoryIdempotency
from adapters.memory.inbox import MemoryInbox
from adapters.memory.leases import MemoryLeases
from adapters.memory.personal_data import MemoryPersonalData
from adapters.memory.phone_numbers import MemoryPhoneNumbers
from adapters.memory.processes import MemoryProcesses
from adapters.memory.publishable_keys import MemoryPublishableKeys
from adapters.memory.recording_sweeps import MemorySweepNotes
from adapters.memory.recordings import RecordingTable
from adapters.memory.reports import ReportTable
from adapters.memory.resource_events import ResourceEvents
from adapters.memory.session_table import SessionTable
from adapters.memory.statistics import MemoryStatistics
from adapters.memory.tickets import MemoryTickets
from adapters.memory.transcripts import TranscriptTable
from adapters.memory.unit_of_work import MemoryUnitOfWork, Tables
from adapters.memory.usage import UsageTable
from adapters.memory.webhooks import MemoryWebhooks
from domain.events.announcer import Announcer
from domain.operations.ledger_stats import LedgerStats
from domain.transcripts.policy import KEEP_ALL, TranscriptPolicy


class MemoryStorage:
    """What has been committed, for as long as the process lives.

    ``announcer`` makes the events of changes; without it there are none. ``transcript_policy`` says
    what is kept of transcripts.
    """

    def __init__(
        self,
        announcer: Announcer | None = None,
        transcript_policy: TranscriptPolicy = KEEP_ALL,
    ) -> None:
        self._announcer = announcer
        self.sessions = SessionTable({}, {}, {})
        self.calls = CallTable({}, {}, {}, {})
        self.outbox = MemoryOutbox()
        resource_events = ResourceEvents(self.outbox, announcer)
        self.reports = ReportTable(self.sessions)
        self.transcripts = TranscriptTable(self.sessions, self.reports, transcript_policy)
        self.recordings = RecordingTable(self.sessions)
        self.sweep_notes = MemorySweepNotes()
        self.usage = UsageTable(self.sessions)
        self.statistics = MemoryStatistics(self.sessions, self.calls, self.usage)
        self.inbox = MemoryInbox()
        self.leases = MemoryLeases()
        self.agents = MemoryAgents(resource_events)
        self.phone_numbers = MemoryPhoneNumbers(resource_events)
        self.api_keys = MemoryApiKeys(resource_events)
        self.publishable_keys = MemoryPublishableKeys()
        self.tickets = MemoryTickets()
        self.idempotency = MemoryIdempotency()
        self.webhooks = MemoryWebhooks(resource_events)
        self.webhook_deliveries = MemoryDeliveries(self.outbox.ids_in)
        self._capabilities = [each for each in vars(self).values() if isinstance(each, Capability)]
        self.personal_data = MemoryPersonalData(self._capabilities)
        self.processes = MemoryProcesses([each.free for each in self._capabilities])
        self.webhook_lanes = self.webhook_deliveries
        self.changes = MemoryChanges(
            self.api_keys, self.webhook_deliveries, self.inbox, self.sessions, self.calls
        )
        self.prune_calls = self.calls.prune
        self.prune_usage = self.usage.prune
        self.prune_reports = self.reports.prune

    def unit_of_work(self) -> MemoryUnitOfWork:
        """A unit of work that has not begun."""
        tables = Tables(
            sessions=self.sessions,
            calls=self.calls,
            outbox=self.outbox,
            transcripts=self.transcripts,
            recordings=self.recordings,
            usage=self.usage,
            reports=self.reports,
            webhooks=self.webhooks,
        )
        return MemoryUnitOfWork(tables, self._announcer)

    async def prune_sessions(self, before: datetime) -> int:
        """Delete sessions that ended before then, with their transcripts; how many they were."""
        pruned = await self.sessions.prune(before)
        self.transcripts.prune_orphans()
        return pruned

    async def prune_unused_sessions(self, before: datetime) -> int:
        """Delete those that no user joined until then; how many they were."""
        pruned = await self.sessions.prune_unused(before)
        self.transcripts.prune_orphans()
        return pruned

    async def ledger_stats(self) -> LedgerStats:
        """Implements :class:`domain.operations.ledger_stats.StatsReader`."""
        return LedgerStats(
            **{
                name: value
                for each in self._capabilities
                for name, value in each.statistics().items()
            }
        )

    async def check(self) -> None:
        """Memory is always ready (:class:`domain.operations.probe.Probe`)."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
