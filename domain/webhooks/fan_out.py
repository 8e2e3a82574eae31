"""Enqueue a delivery of each new domain event for each webhook that wants it."""

from __future__ import annotations

from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.events.domain_event import EventHead
from domain.events.outbox import Outbox
from domain.shared.clock import Clock
from domain.shared.errors import StorageUnavailable
from domain.shared.ids import IdGenerator
from domain.webhooks.delivery import Attempt, Delivery
from domain.webhooks.delivery_repository import DeliveryRepository
from domain.webhooks.repository import WebhookRepository
from domain.webhooks.subscription import Webhook

MAX_EVENTS: Final = 500
"""Events of one transaction."""
WAS_DISABLED: Final = "The webhook was disabled; redeliver this once it is enabled."


@attrs.define(kw_only=True)
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
    has_webhooks: bool = attrs.field(default=False, init=False)
    """Whether there was a webhook when it last looked; until then there is nothing to enqueue."""

    async def __call__(self) -> bool:
        """Enqueue up to :data:`MAX_EVENTS`; return whether there may be more.

        What this version of the service cannot read is passed over. Raises ``StorageUnavailable``,
        for that too, once the rest is stored.
        """
        unreadable: list[StorageUnavailable] = []
        has_more = await self._enqueue(unreadable)
        if unreadable:
            raise unreadable[0]
        return has_more

    async def _enqueue(self, unreadable: list[StorageUnavailable]) -> bool:
        if not self.has_webhooks and not await self.webhooks.all(unreadable, SYSTEM):
            return False
        self.has_webhooks = True
        cursor = await self.deliveries.cursor()
        events = await self.outbox.heads_after(cursor or 0, MAX_EVENTS, unreadable)
        if not events:
            return False
        # After the events: a webhook that was created before they were appended gets them.
        webhooks = await self.webhooks.all(unreadable, SYSTEM)
        if not webhooks:
            self.has_webhooks = False
            return False
        start = min(webhook.after_position for webhook in webhooks)
        if events[-1].position < start:  # there was no webhook for long
            await self.deliveries.fan_out([], cursor, start)
            return True
        deliveries = [
            self._delivery(event, webhook)
            for event in events
            for webhook in webhooks
            if webhook.wants(event.kind, event.tenant, event.position)
        ]
        moved = await self.deliveries.fan_out(deliveries, cursor, events[-1].position)
        return not moved or len(events) == MAX_EVENTS

    def _delivery(self, event: EventHead, webhook: Webhook) -> Delivery:
        now = self.clock.now()
        delivery = Delivery(
            id=self.ids.delivery_id(),
            webhook_id=webhook.id,
            reach=webhook.reach,
            event_id=event.id,
            event=event.kind,
            lane=event.lane,
            position=event.position,
            created_at=now,
            began_at=now,
            next_attempt_at=now,
        )
        if webhook.is_enabled:
            return delivery
        return delivery.failed(Attempt(at=now, error=WAS_DISABLED))
