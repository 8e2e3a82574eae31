"""Counting the ledger for many who ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from application.recent import Recent
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
    _counted: Recent[Census | StorageUnavailable] = attrs.field(init=False)

    @_counted.default
    def _counts(self) -> Recent[Census | StorageUnavailable]:
        return Recent(self._count, self.clock, GOOD_FOR)

    async def census(self) -> Census:
        """The numbers, as of a moment ago. Raises :class:`StorageUnavailable`."""
        told = await self._counted()
        if isinstance(told, StorageUnavailable):
            raise StorageUnavailable(str(told))
        return told

    async def _count(self) -> Census | StorageUnavailable:
        try:
            return await self.censor.census()
        except StorageUnavailable as error:
            return error
