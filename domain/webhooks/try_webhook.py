"""Send a test event to a webhook."""

from __future__ import annotations

import json
from collections.abc import Callable

import attrs

from domain.access.access import Access, Scope
from domain.events.domain_event import EventKind, StoredEvent
from domain.shared.clock import Clock
from domain.shared.ids import IdGenerator
from domain.shared.timeline import Source
from domain.webhooks.delivery import Attempt
from domain.webhooks.manage_webhooks import find_webhook
from domain.webhooks.repository import WebhookRepository
from domain.webhooks.send_event import SendEvent


@attrs.frozen(kw_only=True)
class TryWebhook:
    """Send a ``webhook.test`` event at once and return what the receiver answered.

    The event is stored nowhere, and a failure disables nothing. A disabled webhook is tested too.
    """

    webhooks: WebhookRepository
    send_event: SendEvent
    clock: Clock
    ids: IdGenerator
    body_of: Callable[[StoredEvent], bytes]

    async def __call__(self, webhook_id: str, access: Access) -> Attempt:
        """Return the attempt. Raises ``Forbidden``, ``NotFound`` or ``StorageUnavailable``."""
        access.require(Scope.WEBHOOKS_WRITE)
        webhook = await find_webhook(self.webhooks, webhook_id, access)
        now = self.clock.now()
        event = StoredEvent(
            id=self.ids.event_id(),
            kind=EventKind.WEBHOOK_TEST,
            tenant=webhook.reach.tenant,
            session_id=None,
            call_id=None,
            occurred_at=now,
            known_at=now,
            source=Source.API,
            data=json.dumps({"webhookId": webhook.id.value}),
            position=0,
            sequence=0,
            lane=webhook.id.value,
        )
        sent = await self.send_event(webhook, event.id.value, self.body_of(event))
        return sent.attempt
