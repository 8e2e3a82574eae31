"""A value that is awaited once for concurrent callers, and cached for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Generic, TypeVar

import attrs
from cachetools import TTLCache

from domain.shared.clock import Clock

Value = TypeVar("Value")


@attrs.define
class TtlCache(Generic[Value]):
    """The result of ``ask``, awaited by one caller at a time and once in ``good_for`` at most.

    Concurrent callers get the same value. An exception of ``ask`` is raised and not kept.
    """

    ask: Callable[[], Awaitable[Value]]
    clock: Clock
    good_for: timedelta
    _asking: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _kept: TTLCache[None, Value] = attrs.field(init=False)

    @_kept.default
    def _keeps_none_yet(self) -> TTLCache[None, Value]:
        return TTLCache(1, self.good_for.total_seconds(), self.clock.monotonic)

    async def __call__(self) -> Value:
        """Return the cached value, or a new one."""
        async with self._asking:
            with suppress(KeyError):
                return self._kept[None]
            # It is good from afterwards on: to find that something is out of reach takes seconds.
            value = self._kept[None] = await self.ask()
            return value
