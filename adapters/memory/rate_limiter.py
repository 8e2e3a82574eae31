"""Requests counted by one process, for itself."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.access.rate_limit import Bucket, Permit, window_of

MOST_ADDRESSES: Final = 100_000
"""In one window; those beyond it share one bucket, so that a flood of them fills no memory."""

_ALL_OTHERS: Final = "all others"


class MemoryRateLimiter:
    """Implements :class:`domain.access.rate_limit.RateLimiter` for a process that serves alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._window: datetime | None = None
        self._tenants: dict[str, int] = {}
        self._addresses: dict[str, int] = {}

    async def take(self, bucket: Bucket, now: datetime) -> Permit:
        """Count one more request of ``bucket``'s."""
        window = window_of(now)
        if window != self._window:
            self._window = window
            self._forget()
        used = self._addresses if bucket.kind == "address" else self._tenants
        key = str(bucket)
        if used is self._addresses and len(used) >= MOST_ADDRESSES and key not in used:
            key = _ALL_OTHERS
        count = used[key] = used.get(key, 0) + 1
        return Permit.of(count, self._limit, now)

    async def prune(self, before: datetime) -> int:
        """Forget the window if it began before then."""
        if self._window is None or self._window >= before:
            return 0
        forgotten = len(self._tenants) + len(self._addresses)
        self._window = None
        self._forget()
        return forgotten

    def _forget(self) -> None:
        self._tenants.clear()
        self._addresses.clear()
