"""Enqueue a delivery of each new domain event for each webhook that wants it."""

from __future__ import annotations

from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.events.domain_event import StoredEvent
from domain.events.outbox import Outbox
from domain.shared.clock import Clock
from domain.shared.ids import IdGenerator
from domain.webhooks.delivery import Attempt, Delivery
from domain.webhooks.delivery_repository import DeliveryRepository
from domain.webhooks.repository import WebhookRepository
from domain.webhooks.subscription import Webhook

MAX_EVENTS: Final = 500
"""Events of one transaction."""
WAS_DISABLED: Final = "The webhook was disabled; redeliver this once it is enabled."


@attrs.frozen(kw_only=True)
class FanOut:
    """Read the outbox behind a cursor; store the deliveries and move the cursor in one step.

    Of several processes that do so at once one succeeds, so a webhook gets exactly one delivery of
    each event. While a webhook is disabled its deliveries are stored as failed.
    """

    outbox: Outbox
    webhooks: WebhookRepository
    deliveries: DeliveryRepository
    clock: Clock
    ids: IdGenerator

    async def __call__(self) -> bool:
        """Enqueue up to :data:`MAX_EVENTS`; return whether there may be more.

        Raises ``StorageUnavailable``.
        """
        known = await self.webhooks.all(SYSTEM)
        if not known:
            return False
        cursor = await self.deliveries.cursor()
        start = max(cursor or 0, min(webhook.after_position for webhook in known))
        events = await self.outbox.after(start, MAX_EVENTS)
        if not events:
            return False
        # Read again: a webhook that was created before these events were appended gets them.
        webhooks = await self.webhooks.all(SYSTEM)
        deliveries = [
            self._delivery(event, webhook)
            for event in events
            for webhook in webhooks
            if webhook.wants(event.kind, event.tenant, event.position)
        ]
        moved = await self.deliveries.fan_out(deliveries, cursor, events[-1].position)
        return not moved or len(events) == MAX_EVENTS

    def _delivery(self, event: StoredEvent, webhook: Webhook) -> Delivery:
        now = self.clock.now()
        delivery = Delivery(
            id=self.ids.delivery_id(),
            webhook_id=webhook.id,
            reach=webhook.reach,
            event_id=event.id,
            event=event.kind.value,
            lane=event.lane,
            position=event.position,
            created_at=now,
            began_at=now,
            next_attempt_at=now,
        )
        if webhook.is_enabled:
            return delivery
        return delivery.failed(Attempt(at=now, error=WAS_DISABLED))
