"""A unit of work over the process's memory."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from adapters.memory.sessions import MemorySessions, SessionTable


class MemoryLedger:
    """What has been committed, for as long as the process lives."""

    def __init__(self) -> None:
        self.sessions = SessionTable({}, {}, {})

    def unit_of_work(self) -> MemoryUnitOfWork:
        """A unit of work that has not begun."""
        return MemoryUnitOfWork(self)

    async def check(self) -> None:
        """Memory is always ready (:class:`domain.ports.probe.Probe`)."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class MemoryUnitOfWork:
    """Implements :class:`domain.ports.unit_of_work.UnitOfWork`.

    Changes are kept aside until :meth:`commit`, where conflicts surface.
    """

    def __init__(self, ledger: MemoryLedger) -> None:
        self._committed = ledger.sessions
        self.sessions = MemorySessions(self._committed)

    async def commit(self) -> None:
        """Apply every change or, on :class:`~domain.errors.Conflict`, none."""
        # Without an await in here no other task sees, or changes, anything in between.
        attempt = self._committed.layer()
        for change in self.sessions.changes:
            change.apply_to(attempt)
        attempt.merge_into(self._committed)
        self.sessions.forget()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.sessions.forget()
