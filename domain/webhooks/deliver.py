"""Deliver an event to a webhook, and decide what follows."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.events.domain_event import StoredEvent
from domain.events.outbox import Outbox
from domain.shared.clock import Clock
from domain.shared.errors import Unreadable
from domain.webhooks.delivery import Attempt, Delivery
from domain.webhooks.disable_webhook import DisableWebhook
from domain.webhooks.repository import WebhookRepository
from domain.webhooks.send_event import SendEvent
from domain.webhooks.subscription import FAILING_FOR, DisabledReason, Webhook

NO_EVENT: Final = "The event is not stored any more: its retention is over, or its data was erased."
IS_DISABLED: Final = "The webhook is disabled; redeliver this once it is enabled."


@attrs.frozen(kw_only=True)
class Deliver:
    """Read the webhook and the event, send the request, and judge the answer.

    Nothing of the delivery is stored here. ``body_of`` writes an event as receivers get it, with
    the same bytes at each attempt.
    """

    webhooks: WebhookRepository
    outbox: Outbox
    send_event: SendEvent
    disable_webhook: DisableWebhook
    clock: Clock
    body_of: Callable[[StoredEvent], bytes]

    async def __call__(self, delivery: Delivery) -> Delivery | None:
        """Return the delivery after an attempt; None if its webhook was deleted.

        Raises ``StorageUnavailable``.
        """
        webhook = await self.webhooks.get(delivery.webhook_id, SYSTEM)
        if webhook is None:
            return None
        if not webhook.is_enabled:
            return delivery.failed(Attempt(at=self.clock.now(), error=IS_DISABLED))
        try:
            event = await self.outbox.find(delivery.event_id, SYSTEM)
        except Unreadable as error:  # another version may be able to
            return delivery.retried(Attempt(at=self.clock.now(), error=str(error)), None)
        if event is None:
            return delivery.failed(Attempt(at=self.clock.now(), error=NO_EVENT))
        return await self._send(delivery, webhook, event)

    async def _send(self, delivery: Delivery, webhook: Webhook, event: StoredEvent) -> Delivery:
        sent = await self.send_event(webhook, event.id.value, self.body_of(event))
        if sent.attempt.has_succeeded:
            if webhook.failing_since is not None:
                await self.webhooks.note_success(webhook.id)
            return delivery.succeeded(sent.attempt)
        if sent.attempt.status_code == HTTPStatus.GONE:
            await self.disable_webhook(webhook.id, DisabledReason.GONE)
            return delivery.failed(sent.attempt)
        await self._note_failure(webhook, sent.attempt)
        return delivery.retried(sent.attempt, sent.retry_after)

    async def _note_failure(self, webhook: Webhook, attempt: Attempt) -> None:
        if webhook.failing_since is None:
            await self.webhooks.note_failure(webhook.id, attempt.at)
        elif attempt.at - webhook.failing_since >= FAILING_FOR:
            await self.disable_webhook(webhook.id, DisabledReason.FAILING)
