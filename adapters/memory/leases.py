"""Leases among the tasks of one process."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.memory.capability import LONG_AGO, Capability


class MemoryLeases(Capability):
    """Implements :class:`domain.operations.leases.Leases`."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, datetime]] = {}

    async def acquire(
        self, name: str, holder: str, now: datetime, until: datetime, longest: timedelta
    ) -> bool:
        """Take or prolong ``name`` until then; False while another holder's lease runs."""
        has, ends = self._held.get(name, (holder, now))
        if has != holder and now < ends <= now + longest:
            return False
        self._held[name] = (holder, until)
        return True

    async def release(self, name: str, holder: str, free_at: datetime) -> None:
        """Free the lease ``name`` from ``free_at`` on, if ``holder`` still has it."""
        has, _ = self._held.get(name, ("", free_at))
        if has == holder:
            self._held[name] = ("", free_at)

    def free(self, prefix: str) -> None:
        """End the leases whose holders' names begin so."""
        for name, (holder, _) in self._held.items():
            if holder and holder.startswith(prefix):
                self._held[name] = ("", LONG_AGO)
