"""Take a webhook in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from domain.inbox import InboxEntry
from domain.ports.clock import Clock
from domain.ports.doorbell import Doorbell
from domain.ports.inbox import Inbox
from domain.ports.webhook_verifier import WebhookBody, WebhookVerifier
from domain.room_event import EventKind

RELEVANT: Final = frozenset(EventKind)


@attrs.frozen
class ReceiveWebhookCommand:
    """A request's ``Authorization`` header, unverified; its body, unread; its ``traceparent``."""

    authorization: str | None
    read_body: Callable[[], Awaitable[WebhookBody]]
    trace: str | None = None


@attrs.frozen(kw_only=True)
class ReceiveWebhook:
    """Verifies and stores; ``doorbell`` wakes whoever handles events.

    An event from which the ledger learns nothing is stored too, as handled.
    """

    verifier: WebhookVerifier
    inbox: Inbox
    clock: Clock
    doorbell: Doorbell

    async def __call__(self, command: ReceiveWebhookCommand) -> None:
        """Return once the event is durable; a repeat changes nothing.

        The body is read only after the token has been verified. Raises what ``read_body`` raises,
        :class:`~domain.errors.WebhookForged`, :class:`~domain.errors.InvalidWebhook` or
        :class:`~domain.errors.StorageUnavailable` (LiveKit then sends it again).
        """
        digest = self.verifier.body_digest(command.authorization)
        event = self.verifier.event(await command.read_body(), digest)
        now = self.clock.now()
        entry = InboxEntry(event=event, received_at=now, due_at=now, trace=command.trace)
        is_news = event.kind in RELEVANT and bool(event.room_name)
        with self.doorbell.arrival():
            added = await self.inbox.add(entry if is_news else entry.handled(now))
        if added and is_news:
            self.doorbell.ring()
