"""A unit of work over the process's memory."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from adapters.memory.api_keys import MemoryApiKeys
from adapters.memory.calls import CallTable, MemoryCalls
from adapters.memory.idempotency import MemoryIdempotency
from adapters.memory.inbox import MemoryInbox
from adapters.memory.leases import MemoryLeases
from adapters.memory.personal_data import MemoryPersonalData
from adapters.memory.processes import MemoryProcesses
from adapters.memory.sessions import MemorySessions, SessionTable
from domain.access.access import SYSTEM
from domain.inbox.entry import InboxStatus
from domain.operations.ledger_stats import LedgerStats


class MemoryStorage:
    """What has been committed, for as long as the process lives."""

    def __init__(self) -> None:
        self.sessions = SessionTable({}, {}, {})
        self.calls = CallTable({}, {}, {}, {})
        self.inbox = MemoryInbox()
        self.leases = MemoryLeases()
        self.api_keys = MemoryApiKeys()
        self.idempotency = MemoryIdempotency()
        self.records = MemoryPersonalData(self)
        self.processes = MemoryProcesses(self)

    def unit_of_work(self) -> MemoryUnitOfWork:
        """A unit of work that has not begun."""
        return MemoryUnitOfWork(self)

    async def ledger_stats(self) -> LedgerStats:
        """Implements :class:`domain.operations.ledger_stats.StatsReader`."""
        work = self.unit_of_work()
        events = await self.inbox.counts()
        return LedgerStats(
            live_sessions=sum([len(some) async for some in work.sessions.live([], SYSTEM)]),
            live_calls=sum(map(len, self.calls.live.values())),
            pending_events=events[InboxStatus.PENDING],
            pending_since=self.inbox.pending_since(),
            dead_events=events[InboxStatus.DEAD],
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


class MemoryUnitOfWork:
    """Implements :class:`domain.calls.repository.CallWork`.

    Changes are kept aside until :meth:`commit`, where conflicts surface.
    """

    def __init__(self, ledger: MemoryStorage) -> None:
        self._ledger = ledger
        self.sessions = MemorySessions(ledger.sessions)
        self.calls = MemoryCalls(ledger.calls)

    async def commit(self) -> None:
        """Apply every change or, on :class:`~domain.shared.errors.Conflict`, none."""
        # Without an await in here no other task sees, or changes, anything in between.
        sessions, calls = self._ledger.sessions.layer(), self._ledger.calls.layer()
        for change in self.sessions.changes:
            change.apply_to(sessions)
        for call_change in self.calls.changes:
            call_change.apply_to(calls)
        sessions.merge_into(self._ledger.sessions)
        calls.merge_into(self._ledger.calls)
        self._forget()

    def _forget(self) -> None:
        self.sessions.forget()
        self.calls.forget()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._forget()
