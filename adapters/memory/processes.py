"""The processes on a ledger that only one process can reach."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from domain.operations.process import holders_of

if TYPE_CHECKING:
    from adapters.memory.unit_of_work import MemoryStorage

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryProcesses:
    """Implements :class:`domain.operations.processes.Processes`."""

    def __init__(self, ledger: MemoryStorage) -> None:
        self._ledger = ledger
        self._seen_at: dict[str, datetime] = {}

    async def time(self) -> datetime | None:
        """None: the ledger's clock is this machine's."""
        return None

    async def register(self, process_id: str, now: datetime, *, alone: bool) -> None:
        """Add a process. ``alone`` frees all that others hold."""
        if alone:
            self._seen_at.clear()
            self._free("")
        self._seen_at[process_id] = now

    async def beat(self, process_id: str, now: datetime) -> Mapping[str, datetime] | None:
        """When each process was seen last; None if this one is no longer registered."""
        if process_id not in self._seen_at:
            return None
        self._seen_at[process_id] = now
        return dict(self._seen_at)

    async def is_registered(self, process_id: str) -> bool:
        """Whether the process is there."""
        return process_id in self._seen_at

    async def free(self, process_id: str, seen_at: datetime | None = None) -> bool:
        """Remove a process and free what it held."""
        known = self._seen_at.get(process_id)
        if known is None or seen_at not in (None, known):
            return False
        del self._seen_at[process_id]
        self._free(holders_of(process_id))
        return True

    def _free(self, prefix: str) -> None:
        table = self._ledger.sessions
        for session in [*table.by_id.values()]:
            holder = session.claim.holder
            if session.is_live and holder is not None and holder.startswith(prefix):
                claim = attrs.evolve(session.claim, expires_at=_LONG_AGO)
                table.by_id[session.id] = attrs.evolve(session, claim=claim)
        self._ledger.inbox.free(prefix)
        self._ledger.leases.free(prefix)
        self._ledger.idempotency.free(prefix)
