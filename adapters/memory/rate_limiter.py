"""Requests counted by one process, for itself."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

from domain.ports.rate_limiter import Permit, window_of

MOST_BUCKETS: Final = 100_000
"""In one window; those beyond it share one, so that a flood of addresses fills no memory."""


class MemoryRateLimiter:
    """Implements :class:`domain.ports.rate_limiter.RateLimiter` for a process that serves alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._window: datetime | None = None
        self._used: defaultdict[str, int] = defaultdict(int)

    async def take(self, bucket: str, now: datetime) -> Permit:
        """Count one more request of ``bucket``'s."""
        window = window_of(now)
        if window != self._window:
            self._window = window
            self._used.clear()
        if len(self._used) >= MOST_BUCKETS and bucket not in self._used:
            bucket = "everybody else"
        self._used[bucket] += 1
        return Permit.of(self._used[bucket], self._limit, now)

    async def prune(self, before: datetime) -> int:
        """Forget the window if it began before then."""
        if self._window is None or self._window >= before:
            return 0
        forgotten = len(self._used)
        self._window = None
        self._used.clear()
        return forgotten
