"""Warn of deliveries to webhooks that wait for long or were set aside."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from domain.operations.ledger_stats import StatsReader
from domain.shared.clock import Clock
from domain.shared.errors import StorageUnavailable

WAITS_FOR_LONG: Final = timedelta(minutes=15)
"""After so long an event has been refused several times, or no process delivers."""


@attrs.frozen(kw_only=True)
class DeliveryWarnings:
    """Reads the ledger's statistics. Readiness is public, so that no number is returned."""

    stats: StatsReader
    clock: Clock

    async def __call__(self) -> list[str]:
        """Return what the operator should know; nothing if the ledger cannot be read."""
        try:
            stats = await self.stats.ledger_stats()
        except StorageUnavailable:
            return []
        found, since = [], stats.deliveries_since
        if since is not None and self.clock.now() - since > WAITS_FOR_LONG:
            found.append(
                f"Deliveries to webhooks have waited for more than {WAITS_FOR_LONG.seconds // 60} "
                "minutes; `backend webhooks deliveries` says why."
            )
        if stats.failed_deliveries:
            found.append(
                "Deliveries to webhooks were set aside; `backend webhooks redeliver --failed` "
                "sends them again."
            )
        return found
