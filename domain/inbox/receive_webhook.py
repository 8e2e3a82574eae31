"""Take a webhook in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from domain.inbox.entry import InboxEntry
from domain.inbox.repository import Inbox
from domain.inbox.signal import InboxSignal, News
from domain.inbox.webhook_verifier import WebhookBody, WebhookVerifier
from domain.reconciliation.event_relevance import EventRelevance
from domain.shared.clock import Clock


@attrs.frozen
class ReceiveWebhookCommand:
    """A request's ``Authorization`` header, unverified; its body, unread; its ``traceparent``."""

    authorization: str | None
    read_body: Callable[[], Awaitable[WebhookBody]]
    trace: str | None = None


@attrs.frozen(kw_only=True)
class ReceiveWebhook:
    """Verifies and stores; ``inbox_signal`` wakes the inbox worker.

    An event from which the ledger learns nothing is stored too, as handled.
    """

    verifier: WebhookVerifier
    inbox: Inbox
    clock: Clock
    inbox_signal: InboxSignal
    relevance: EventRelevance = attrs.field(factory=EventRelevance)

    async def __call__(self, command: ReceiveWebhookCommand) -> None:
        """Return once the event is durable; a repeat changes nothing.

        The body is read only after the token has been verified. Raises what ``read_body`` raises,
        ``WebhookForged``, ``InvalidWebhook`` or
        :class:`~domain.shared.errors.StorageUnavailable` (LiveKit then sends it again).
        """
        digest = self.verifier.body_digest(command.authorization)
        event = self.verifier.event(await command.read_body(), digest)
        now = self.clock.now()
        entry = InboxEntry(event=event, received_at=now, due_at=now, trace=command.trace)
        is_news = self.relevance.may_teach(event.kind, event.room_name, event.participant)
        with self.inbox_signal.arrival():
            added = await self.inbox.add(entry if is_news else entry.handled(now))
        if added and is_news:
            self.inbox_signal.ring(News.of(entry))
