"""Statistics of the ledger, read once for concurrent callers."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Protocol

import attrs

from application.caching.ttl_cache import TtlCache
from domain.operations.ledger_stats import LedgerStats, StatsReader
from domain.operations.probe import Probe
from domain.shared.clock import Clock
from domain.shared.errors import StorageUnavailable

GOOD_FOR: Final = timedelta(seconds=2)


class Countable(StatsReader, Probe, Protocol):
    """What can be counted, and asked whether it would serve."""


@attrs.define
class CachedStats:
    """A ``StatsReader`` that asks ``ledger`` once in ``GOOD_FOR`` at most.

    It asks whether the ledger would take a write, too.

    Concurrent callers get the same result, or the same error.
    """

    ledger: Countable
    clock: Clock
    _counted: TtlCache[LedgerStats | StorageUnavailable] = attrs.field(init=False)

    @_counted.default
    def _counts(self) -> TtlCache[LedgerStats | StorageUnavailable]:
        return TtlCache(self._count, self.clock, GOOD_FOR)

    async def ledger_stats(self) -> LedgerStats:
        """The numbers, as of a moment ago. Raises :class:`StorageUnavailable`."""
        counted = await self._counted()
        if isinstance(counted, StorageUnavailable):
            raise StorageUnavailable(str(counted))
        return counted

    async def _count(self) -> LedgerStats | StorageUnavailable:
        try:
            ledger_stats = await self.ledger.ledger_stats()
        except StorageUnavailable as error:
            return error
        try:
            await self.ledger.check()
        except StorageUnavailable as error:
            return attrs.evolve(ledger_stats, problem=str(error))
        return ledger_stats
