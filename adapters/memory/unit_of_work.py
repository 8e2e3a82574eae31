"""A unit of work over the process's memory."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from adapters.memory.calls import CallTable, MemoryCalls
from adapters.memory.reports import MemoryReports, ReportTable
from adapters.memory.sessions import MemorySessions, SessionTable


class MemoryUnitOfWork:
    """Implements :class:`domain.calls.repository.CallWork`.

    Changes are kept aside until :meth:`commit`, where conflicts surface.
    """

    def __init__(self, sessions: SessionTable, calls: CallTable, reports: ReportTable) -> None:
        self.sessions = MemorySessions(sessions)
        self.calls = MemoryCalls(calls)
        self.reports = MemoryReports(reports)
        self._repositories = (self.sessions, self.calls, self.reports)

    async def commit(self, *, urgent: bool = True) -> None:  # noqa: ARG002 - nothing to wait for
        """Apply every change or, on :class:`~domain.shared.errors.Conflict`, none."""
        # Without an await in here no other task sees, or changes, anything in between.
        for store in [each.prepared() for each in self._repositories]:
            store()
        self._forget()

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
