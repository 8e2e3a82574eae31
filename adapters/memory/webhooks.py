"""Outgoing webhooks in the process's memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from adapters.memory.resource_events import ResourceEvents
from domain.access.access import Access
from domain.events.domain_event import EventKind
from domain.shared.errors import Conflict, StorageUnavailable
from domain.shared.identifiers import WebhookId
from domain.shared.pagination import Cursor
from domain.webhooks.subscription import Webhook


class MemoryWebhooks:
    """Implements :class:`domain.webhooks.repository.WebhookRepository`."""

    def __init__(self, events: ResourceEvents | None = None) -> None:
        self._events = events or ResourceEvents()
        self._webhooks: dict[WebhookId, Webhook] = {}

    async def add(self, webhook: Webhook) -> None:
        """Store a new webhook."""
        if webhook.id in self._webhooks:
            raise Conflict("There is a webhook with this id.")
        self._webhooks[webhook.id] = webhook
        self._announce(EventKind.WEBHOOK_CREATED, webhook)

    async def save(self, webhook: Webhook) -> Webhook:
        """Store a change of a webhook that was read at ``webhook.revision``."""
        self.check(webhook)
        self._announce(EventKind.WEBHOOK_UPDATED, webhook)
        return self.put(webhook)

    def check(self, webhook: Webhook) -> None:
        """Raise ``Conflict`` if it has changed since it was read."""
        current = self._webhooks.get(webhook.id)
        if current is None or current.revision != webhook.revision:
            raise Conflict("Another request has changed this record since it was read.")

    def put(self, webhook: Webhook) -> Webhook:
        """Store a change that was checked."""
        stored = attrs.evolve(webhook, revision=webhook.revision + 1)
        self._webhooks[webhook.id] = stored
        return stored

    async def get(self, webhook_id: WebhookId, access: Access) -> Webhook | None:
        """Return the webhook with this id, if visible."""
        found = self._webhooks.get(webhook_id)
        return found if found is not None and found.reach.is_visible_to(access) else None

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Webhook]:
        """Return the newest ``limit`` visible webhooks, of those older than ``after``."""
        end = None if after is None else (after.created_at, after.id)
        wanted = [one for one in await self.all([], access) if end is None or one.age < end]
        return sorted(wanted, key=lambda one: one.age, reverse=True)[:limit]

    async def count(self, tenant: str | None) -> int:
        """Return how many webhooks belong to ``tenant``."""
        return sum(one.reach.tenant == tenant for one in self._webhooks.values())

    async def delete(self, webhook_id: WebhookId, access: Access) -> bool:
        """Delete the webhook, if visible."""
        webhook = await self.get(webhook_id, access)
        if webhook is None:
            return False
        del self._webhooks[webhook_id]
        self._announce(EventKind.WEBHOOK_DELETED, webhook)
        return True

    def _announce(self, kind: EventKind, webhook: Webhook) -> None:
        self._events.append(kind, webhook, lane=webhook.id.value, tenant=webhook.reach.tenant)

    async def all(
        self,
        unreadable: list[StorageUnavailable],  # noqa: ARG002 - none is
        access: Access,
    ) -> list[Webhook]:
        """Return every visible webhook."""
        return [one for one in self._webhooks.values() if one.reach.is_visible_to(access)]

    async def note_failure(self, webhook_id: WebhookId, at: datetime) -> None:
        """Set ``failing_since`` unless it is set."""
        found = self._webhooks.get(webhook_id)
        if found is not None and found.failing_since is None:
            self.put(attrs.evolve(found, failing_since=at))

    async def note_success(self, webhook_id: WebhookId) -> None:
        """Clear ``failing_since``."""
        found = self._webhooks.get(webhook_id)
        if found is not None and found.failing_since is not None:
            self.put(attrs.evolve(found, failing_since=None))


class MemoryWebhookChanges:
    """Implements :class:`domain.webhooks.repository.WebhookChanges`."""

    def __init__(self, webhooks: MemoryWebhooks) -> None:
        self._webhooks = webhooks
        self._saved: list[Webhook] = []

    async def save(self, webhook: Webhook) -> None:
        """Store a change with the commit."""
        self._saved.append(webhook)

    def prepared(self) -> Callable[[], None]:
        """Return what stores the changes. Raises ``Conflict``."""
        saved = [*self._saved]
        for webhook in saved:
            self._webhooks.check(webhook)

        def store() -> None:
            for webhook in saved:
                self._webhooks.put(webhook)

        return store

    def forget(self) -> None:
        """Drop the changes."""
        self._saved.clear()
