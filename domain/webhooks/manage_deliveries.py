"""Show deliveries, and send them again."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

import attrs

from domain.access.access import SYSTEM, Access, Scope
from domain.events.outbox import Outbox
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import DeliveryId
from domain.shared.look_up import look_up
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page
from domain.webhooks.delivery import Delivery, DeliveryStatus
from domain.webhooks.delivery_repository import DeliveryRepository
from domain.webhooks.delivery_signal import DeliverySignal
from domain.webhooks.manage_webhooks import READS, find_webhook
from domain.webhooks.repository import WebhookRepository

MAX_TOGETHER: Final = 500
"""Failed deliveries that one step redelivers."""


@attrs.frozen(kw_only=True)
class ManageDeliveries:
    """Show and redeliver what the webhooks that are visible to a request got, or are to get.

    To redeliver needs ``webhooks:write``, to read ``webhooks:read``. Each method raises
    ``Forbidden`` without its scope, ``NotFound``, and ``StorageUnavailable``.
    """

    webhooks: WebhookRepository
    deliveries: DeliveryRepository
    outbox: Outbox
    clock: Clock
    signal: DeliverySignal

    async def page(  # noqa: PLR0913 - a list's filter and place
        self,
        webhook_id: str,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[Delivery] | None = None,
        *,
        status: DeliveryStatus | None = None,
    ) -> Page[Delivery]:
        """Return a webhook's deliveries, newest first, of those after ``after``."""
        access.require(*READS)
        webhook = await find_webhook(self.webhooks, webhook_id, access)

        async def read(after: Cursor | None, limit: int) -> list[Delivery]:
            return await self.deliveries.page(webhook.id, status, after, limit, access=access)

        return await read_page(read, after, limit, capacity)

    async def redeliver(self, delivery_id: str, access: Access) -> Delivery:
        """Have a delivery sent at once, whatever became of it, and whatever else waits."""
        access.require(Scope.WEBHOOKS_WRITE)
        missing = "There is no delivery with this id."
        found = await look_up(
            delivery_id,
            DeliveryId,
            partial(self.deliveries.get, access=access),
            missing=missing,
            field="deliveryId",
        )
        await find_webhook(self.webhooks, found.webhook_id.value, access)
        now = self.clock.now()
        again = found.redelivered(now, in_lane=None)
        await self.deliveries.redeliver([again], now)
        self.signal.wake()
        return again

    async def redeliver_failed(self, webhook_id: str, before: datetime, access: Access) -> int:
        """Have what failed ``before`` then sent again, each session's deliveries in order.

        Returns how many they are, at most :data:`MAX_TOGETHER`: call it until it returns 0. Raises
        ``InvalidInput`` for a webhook that is disabled, since all would fail at once.
        """
        access.require(Scope.WEBHOOKS_WRITE)
        webhook = await find_webhook(self.webhooks, webhook_id, access)
        if not webhook.is_enabled:
            raise InvalidInput("The webhook is disabled; enable it first.", field="webhookId")
        found = await self.deliveries.oldest_failed(webhook.id, before, MAX_TOGETHER, access)
        now = self.clock.now()
        again = [
            delivery.redelivered(now, in_lane=await self._lane_of(delivery)) for delivery in found
        ]
        done = await self.deliveries.redeliver(again, now)
        self.signal.wake()
        return done

    async def _lane_of(self, delivery: Delivery) -> str:
        """Return its event's lane, also after it was redelivered alone."""
        event = await self.outbox.find(delivery.event_id, SYSTEM) if delivery.is_alone else None
        return delivery.lane if event is None else event.lane
