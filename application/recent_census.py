"""Counting the ledger for many who ask."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.errors import StorageUnavailable
from domain.ports.census import Censor, Census
from domain.ports.clock import Clock

GOOD_FOR: Final = timedelta(seconds=2)


@attrs.define
class RecentCensus:
    """A :class:`~domain.ports.census.Censor` that asks ``censor`` once in ``GOOD_FOR`` at most.

    Whoever comes meanwhile is told the same, be it that the ledger is out of reach.
    """

    censor: Censor
    clock: Clock
    _counting: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _told: Census | StorageUnavailable | None = attrs.field(default=None, init=False)
    _at: datetime | None = attrs.field(default=None, init=False)

    async def census(self) -> Census:
        """The numbers, as of a moment ago. Raises :class:`StorageUnavailable`."""
        async with self._counting:
            if self._told is None or self._at is None or self._is_old(self._at):
                try:
                    self._told = await self.censor.census()
                except StorageUnavailable as error:
                    self._told = error
                self._at = self.clock.now()  # afterwards: to be out of reach takes seconds
            told = self._told
        if isinstance(told, StorageUnavailable):
            raise StorageUnavailable(str(told))
        return told

    def _is_old(self, at: datetime) -> bool:
        return not timedelta(0) <= self.clock.now() - at < GOOD_FOR
