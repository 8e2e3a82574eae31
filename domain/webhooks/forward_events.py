"""Forward new domain events to a developer's machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.events.domain_event import StoredEvent
from domain.events.outbox import Outbox
from domain.shared.clock import Clock
from domain.shared.ids import IdGenerator
from domain.shared.webhook_secret import SecretMaker, check_secret
from domain.webhooks.definition import WebhookDefinition
from domain.webhooks.delivery import Attempt
from domain.webhooks.send_event import SendEvent
from domain.webhooks.subscription import Reach, Webhook

_MOST: Final = 100
POLL: Final = timedelta(milliseconds=250)


@attrs.frozen
class Forwarded:
    """An event, and what the receiver answered."""

    event: StoredEvent
    attempt: Attempt


@attrs.frozen(kw_only=True)
class ForwardEvents:
    """Send events one after another, as a webhook would get them, each once.

    It reads the outbox from a position of its own and stores nothing.
    """

    outbox: Outbox
    send_event: SendEvent
    clock: Clock
    ids: IdGenerator
    secrets: SecretMaker
    body_of: Callable[[StoredEvent], bytes]

    async def target(
        self, url: str, events: Sequence[str], secret: str | None, access: Access
    ) -> Webhook:
        """Return a webhook that is stored nowhere and gets events from now on.

        Raises ``InvalidInput`` or ``StorageUnavailable``.
        """
        access.require(Scope.ADMIN)
        wanted = WebhookDefinition.parse({"url": url, "events": events}, allow_private=True)
        if secret is not None:
            check_secret(secret, field="secret")
        now = self.clock.now()
        return Webhook(
            id=self.ids.webhook_id(),
            url=wanted.url,
            events=wanted.events,
            secret=secret or self.secrets.webhook_secret(),
            reach=Reach.of(access),
            after_position=await self.outbox.last_position(),
            created_at=now,
            updated_at=now,
        )

    async def __call__(self, webhook: Webhook, access: Access) -> AsyncIterator[Forwarded]:
        """Yield each event that ``webhook`` wants once the receiver has answered, without end.

        Raises ``StorageUnavailable``.
        """
        access.require(Scope.ADMIN)
        position = webhook.after_position
        while True:
            events = await self.outbox.after(position, _MOST)
            for event in events:
                position = event.position
                if webhook.wants(event.kind, event.tenant, event.position):
                    body = self.body_of(event)
                    sent = await self.send_event(webhook, event.id.value, body)
                    yield Forwarded(event, sent.attempt)
            if not events:
                await self.clock.sleep(POLL)
