"""Leases among the tasks of one process."""

from __future__ import annotations

from datetime import datetime


class MemoryLeases:
    """Implements :class:`domain.ports.leases.Leases`."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, datetime]] = {}

    async def acquire(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take or prolong ``name`` until then; False while somebody else's lease runs."""
        has, ends = self._held.get(name, (holder, now))
        if has != holder and now < ends:
            return False
        self._held[name] = (holder, until)
        return True

    async def release(self, name: str, holder: str, free_at: datetime) -> None:
        """Let anybody take ``name`` from ``free_at`` on, if ``holder`` still has it."""
        has, _ = self._held.get(name, ("", free_at))
        if has == holder:
            self._held[name] = ("", free_at)
