"""Counting the ledger for many who ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Protocol

import attrs

from application.recent import Recent
from domain.errors import StorageUnavailable
from domain.ports.census import Censor, Census
from domain.ports.clock import Clock
from domain.ports.probe import Probe

GOOD_FOR: Final = timedelta(seconds=2)


class Countable(Censor, Probe, Protocol):
    """What can be counted, and asked whether it would serve."""


@attrs.define
class RecentCensus:
    """A :class:`~domain.ports.census.Censor` that asks ``ledger`` once in ``GOOD_FOR`` at most.

    It asks whether the ledger would take a write, too.

    Whoever comes meanwhile is told the same, be it that the ledger is out of reach.
    """

    ledger: Countable
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
            census = await self.ledger.census()
        except StorageUnavailable as error:
            return error
        try:
            await self.ledger.check()
        except StorageUnavailable as error:
            return attrs.evolve(census, problem=str(error))
        return census
