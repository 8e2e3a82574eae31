"""The ledger in a database, opened and closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self

from adapters.sqlalchemy.agents.repository import SqlAgents
from adapters.sqlalchemy.api_keys import SqlApiKeys
from adapters.sqlalchemy.calls.repository import PRUNE_CALLS
from adapters.sqlalchemy.capabilities import CAPABILITIES
from adapters.sqlalchemy.changes import SqlChanges
from adapters.sqlalchemy.engine.database import PATIENCE
from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.engine.deletion import Pruning
from adapters.sqlalchemy.engine.group_commit import Watch
from adapters.sqlalchemy.engine.probe import StorageProbe
from adapters.sqlalchemy.events.outbox import SqlOutbox
from adapters.sqlalchemy.idempotency import SqlIdempotency
from adapters.sqlalchemy.inbox.repository import SqlInbox
from adapters.sqlalchemy.leases import SqlLeases
from adapters.sqlalchemy.ledger_stats import read_ledger_stats
from adapters.sqlalchemy.personal_data import SqlPersonalData
from adapters.sqlalchemy.phone_numbers import SqlPhoneNumbers
from adapters.sqlalchemy.processes import SqlProcesses
from adapters.sqlalchemy.publishable_keys import SqlPublishableKeys
from adapters.sqlalchemy.rate_limiter import SqlRateLimiter
from adapters.sqlalchemy.recordings.erasure import SqlRecordingErasure
from adapters.sqlalchemy.recordings.sweeps import SqlSweepNotes
from adapters.sqlalchemy.reports import PRUNE_REPORTS
from adapters.sqlalchemy.schema.migrations import ensure_schema
from adapters.sqlalchemy.sessions.statements import PRUNE_SESSIONS, PRUNE_UNUSED
from adapters.sqlalchemy.statistics.reader import SqlStatistics
from adapters.sqlalchemy.tickets import SqlTickets
from adapters.sqlalchemy.transcripts.repository import SqlTranscriptReader
from adapters.sqlalchemy.unit_of_work import SqlUnitOfWork
from adapters.sqlalchemy.usage.repository import PruneUsage
from adapters.sqlalchemy.webhooks.deliveries import SqlDeliveries
from adapters.sqlalchemy.webhooks.lanes import SqlLanes
from adapters.sqlalchemy.webhooks.repository import SqlWebhooks
from domain.events.announcer import Announcer
from domain.operations.ledger_stats import LedgerStats
from domain.transcripts.policy import KEEP_ALL, TranscriptPolicy


class SqlStorage:
    """A database and the units of work on it.

    ``async with`` sees to it that the schema fits, and closes every connection at the end;
    ``announcer`` makes the events of changes; without it there are none.
    ``whole_configs`` says whether sessions are stored with all of their agents' configurations,
    ``transcript_policy`` what is stored of transcripts. ``event_skipped`` is called for each event
    that this version cannot read.
    Raises :class:`~domain.shared.errors.StorageUnavailable` (:class:`SchemaOutdated
    <adapters.sqlalchemy.engine.errors.SchemaOutdated>` if that is why).
    """

    def __init__(  # noqa: PLR0913 - what the container chooses
        self,
        database_url: str,
        patience: timedelta = PATIENCE,
        watch: Watch | None = None,
        *,
        whole_configs: bool = True,
        announcer: Announcer | None = None,
        transcript_policy: TranscriptPolicy = KEEP_ALL,
        event_skipped: Callable[[], None] = lambda: None,
    ) -> None:
        self.database = database(database_url, patience, watch)
        self._probe = StorageProbe(
            self.database, [each.table for each in CAPABILITIES if each.is_probed]
        )
        self._whole_configs = whole_configs
        self._announcer = announcer
        self.outbox = SqlOutbox(self.database, event_skipped)
        self._transcript_policy = transcript_policy
        self.inbox = SqlInbox(self.database)
        self.leases = SqlLeases(self.database)
        self.processes = SqlProcesses(
            self.database, [each.free for each in CAPABILITIES if each.free is not None]
        )
        self.agents = SqlAgents(self.database, announcer)
        self.phone_numbers = SqlPhoneNumbers(self.database, announcer)
        self.api_keys = SqlApiKeys(self.database, announcer)
        self.publishable_keys = SqlPublishableKeys(self.database)
        self.tickets = SqlTickets(self.database)
        self.idempotency = SqlIdempotency(self.database)
        self.webhooks = SqlWebhooks(self.database, announcer)
        self.webhook_deliveries = SqlDeliveries(self.database)
        self.webhook_lanes = SqlLanes(self.database)
        self.changes = SqlChanges(self.database)
        self.personal_data = SqlPersonalData(self.database, CAPABILITIES)
        self.prune_sessions = Pruning(self.database, PRUNE_SESSIONS)
        self.prune_unused_sessions = Pruning(self.database, PRUNE_UNUSED)
        self.prune_calls = Pruning(self.database, PRUNE_CALLS)
        self._add_what_was_said()

    def _add_what_was_said(self) -> None:
        """Add what workers report of conversations."""
        self.transcripts = SqlTranscriptReader(self.database)
        self.recordings = SqlRecordingErasure(self.database)
        self.sweep_notes = SqlSweepNotes(self.database)
        self.prune_reports = Pruning(self.database, PRUNE_REPORTS)
        self.statistics = SqlStatistics(self.database)
        self.prune_usage = PruneUsage(self.database)

    def rate_limiter(self, limit: int) -> SqlRateLimiter:
        """Counts requests here, for every process on this database."""
        return SqlRateLimiter(self.database, limit)

    def unit_of_work(self) -> SqlUnitOfWork:
        """A unit of work that has not begun."""
        return SqlUnitOfWork(
            self.database,
            self._announcer,
            whole_configs=self._whole_configs,
            transcript_policy=self._transcript_policy,
        )

    async def ledger_stats(self) -> LedgerStats:
        """Implements :class:`domain.operations.ledger_stats.StatsReader`."""
        return await read_ledger_stats(self.database)

    async def check(self) -> None:
        """Implements :class:`domain.operations.probe.Probe`: would it take a write now."""
        await self._probe.check()

    async def __aenter__(self) -> Self:
        try:
            await ensure_schema(self.database)
        except BaseException:
            await self.database.dispose()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._probe.finished()
        await self.database.dispose()
