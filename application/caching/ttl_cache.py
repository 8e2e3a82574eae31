"""Asking once for many who want to know at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Generic, TypeVar

import attrs
from cachetools import TTLCache

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
    _kept: TTLCache[None, Told] = attrs.field(init=False)

    @_kept.default
    def _keeps_none_yet(self) -> TTLCache[None, Told]:
        return TTLCache(1, self.good_for.total_seconds(), self.clock.monotonic)

    async def __call__(self) -> Told:
        """What was told a moment ago, or is now."""
        async with self._asking:
            with suppress(KeyError):
                return self._kept[None]
            # It is good from afterwards on: to find that something is out of reach takes seconds.
            told = self._kept[None] = await self.ask()
            return told
