"""Delete old domain events."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.access.access import SYSTEM
from domain.events.outbox import Outbox
from domain.webhooks.delivery_repository import DeliveryRepository
from domain.webhooks.repository import WebhookRepository


@attrs.frozen(kw_only=True)
class PruneEvents:
    """Delete none while webhooks are still to get old ones, as after the service stood still."""

    outbox: Outbox
    webhooks: WebhookRepository
    deliveries: DeliveryRepository

    async def __call__(self, before: datetime) -> int:
        """Return how many events that became known before then were deleted.

        Raises ``StorageUnavailable``.
        """
        if await self._has_waiting(before):
            return 0
        return await self.outbox.prune(before)

    async def _has_waiting(self, before: datetime) -> bool:
        webhooks = await self.webhooks.all([], SYSTEM)
        if not webhooks:
            return False
        cursor = await self.deliveries.cursor()
        start = max(cursor or 0, min(webhook.after_position for webhook in webhooks))
        next_ones = await self.outbox.heads_after(start, 1, [])
        return any(event.known_at < before for event in next_ones)
