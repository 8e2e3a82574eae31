"""Asking once for many who want to know at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

import attrs

from domain.shared.clock import Clock

Told = TypeVar("Told")


@attrs.define
class TtlCache(Generic[Told]):
    """What ``ask`` tells, asked by one at a time and once in ``good_for`` at most.

    Whoever comes meanwhile is told the same. An exception of ``ask``'s is raised and not kept.
    """

    ask: Callable[[], Awaitable[Told]]
    clock: Clock
    good_for: timedelta
    _asking: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _last: tuple[Told, float] | None = attrs.field(default=None, init=False)

    async def __call__(self) -> Told:
        """What was told a moment ago, or is now."""
        async with self._asking:
            if self._last is None or self._is_old(self._last[1]):
                told = await self.ask()
                # Dated afterwards: to find somebody out of reach takes seconds.
                self._last = told, self.clock.monotonic()
            return self._last[0]

    def _is_old(self, at: float) -> bool:
        return self.clock.monotonic() - at >= self.good_for.total_seconds()
