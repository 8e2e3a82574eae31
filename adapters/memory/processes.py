"""The processes on a ledger that only one process can reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from domain.operations.process import holders_of


class MemoryProcesses:
    """Implements :class:`domain.operations.processes.Processes`.

    Each of ``frees`` frees what is held under names that begin with a prefix.
    """

    def __init__(self, frees: Sequence[Callable[[str], None]]) -> None:
        self._frees = frees
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
        for free in self._frees:
            free(prefix)
