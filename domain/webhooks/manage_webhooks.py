"""Store, change, show and delete webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import attrs

from domain.access.access import Access, Scope
from domain.events.outbox import Outbox
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, NotFound
from domain.shared.identifiers import WebhookId
from domain.shared.ids import IdGenerator
from domain.shared.look_up import look_up
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page
from domain.shared.webhook_errors import WebhookChanged, WebhookLimitReached
from domain.shared.webhook_secret import SecretMaker
from domain.webhooks.definition import WebhookDefinition
from domain.webhooks.delivery_repository import DeliveryRepository
from domain.webhooks.repository import WebhookRepository
from domain.webhooks.subscription import DisabledReason, Reach, Webhook, WebhookStatus

MAX_WEBHOOKS: Final = 100
"""Webhooks of one tenant; creating several at once can exceed it by these."""
MAX_ATTEMPTS: Final = 20
"""Of one change, when others change the same webhook at the same time."""

READS: Final = (Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE)


@attrs.frozen(kw_only=True)
class ManageWebhooks:
    """Change and show the webhooks that are visible to a request.

    Changes need ``webhooks:write``; to read, ``webhooks:read`` is enough. To add or change a
    webhook that names events of resources also needs a scope that reads these. Each method raises
    ``Forbidden`` without its scope, ``NotFound`` for a webhook that is not visible, and
    ``StorageUnavailable``.
    """

    webhooks: WebhookRepository
    deliveries: DeliveryRepository
    outbox: Outbox
    clock: Clock
    ids: IdGenerator
    secrets: SecretMaker
    allow_private: bool

    def definition(self, given: Mapping[str, Any]) -> WebhookDefinition:
        """Check a new webhook. Raises ``InvalidInput`` naming the field."""
        return WebhookDefinition.parse(given, allow_private=self.allow_private)

    async def create(
        self, given: Mapping[str, Any], access: Access, webhook_id: WebhookId | None = None
    ) -> Webhook:
        """Store a new webhook, which gets what happens from now on and ``access`` may see.

        ``webhook_id``: its id, if it is decided. Raises ``InvalidInput`` or
        ``WebhookLimitReached``.
        """
        access.require(Scope.WEBHOOKS_WRITE)
        wanted = self.definition(given)
        wanted.require_readable(access)
        if await self.webhooks.count(access.tenant) >= MAX_WEBHOOKS:
            raise WebhookLimitReached(
                f"There are {MAX_WEBHOOKS} webhooks, which is the limit; delete one that is not "
                "used."
            )
        now = self.clock.now()
        webhook = Webhook(
            id=webhook_id or self.ids.webhook_id(),
            url=wanted.url,
            events=wanted.events,
            description=wanted.description,
            secret=self.secrets.webhook_secret(),
            reach=Reach.of(access),
            after_position=await self.outbox.last_position(),
            created_at=now,
            updated_at=now,
        )
        if wanted.status is WebhookStatus.DISABLED:
            webhook = webhook.disabled(DisabledReason.REQUEST, now)
        await self.webhooks.add(webhook)
        return webhook

    async def change(self, webhook_id: str, changes: Mapping[str, Any], access: Access) -> Webhook:
        """Replace ``url``, ``events``, ``description`` or ``status``.

        Deliveries that wait already go to the new URL. Raises ``InvalidInput`` or
        ``WebhookChanged``.
        """
        access.require(Scope.WEBHOOKS_WRITE)
        for _ in range(MAX_ATTEMPTS):
            found = await self._find(webhook_id, access)
            changed = self._changed(found, changes, access)
            if changed == found:
                return found
            try:
                return await self.webhooks.save(changed)
            except Conflict:
                continue
        raise _busy()

    async def rotate_secret(self, webhook_id: str, access: Access) -> Webhook:
        """Give the webhook a new secret; the present one also signs for a day.

        Raises ``WebhookChanged``.
        """
        access.require(Scope.WEBHOOKS_WRITE)
        for _ in range(MAX_ATTEMPTS):
            found = await self._find(webhook_id, access)
            rotated = found.rotated(self.secrets.webhook_secret(), self.clock.now())
            try:
                return await self.webhooks.save(rotated)
            except Conflict:
                continue
        raise _busy()

    async def delete(self, webhook_id: str, access: Access) -> None:
        """Delete the webhook and what waits for it."""
        access.require(Scope.WEBHOOKS_WRITE)
        found = await self._find(webhook_id, access)
        if not await self.webhooks.delete(found.id, access):
            raise NotFound("The webhook was deleted by another request.", field="webhookId")
        await self.deliveries.remove_pending(found.id)

    async def stored(self, webhook_id: WebhookId, access: Access) -> Webhook | None:
        """Return the webhook with this id; None if there is none."""
        access.require(*READS)
        return await self.webhooks.get(webhook_id, access)

    async def by_id(self, webhook_id: str, access: Access) -> Webhook:
        """Return the webhook with this id."""
        access.require(*READS)
        return await self._find(webhook_id, access)

    async def page(
        self,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[Webhook] | None = None,
    ) -> Page[Webhook]:
        """Return the visible webhooks, newest first, of those after ``after``."""
        access.require(*READS)
        return await read_page(partial(self.webhooks.page, access=access), after, limit, capacity)

    async def _find(self, webhook_id: str, access: Access) -> Webhook:
        return await find_webhook(self.webhooks, webhook_id, access)

    def _changed(self, found: Webhook, changes: Mapping[str, Any], access: Access) -> Webhook:
        before = {
            "url": found.url,
            "events": list(found.events),
            "description": found.description,
            "status": found.status.value,
        }
        wanted = self.definition({**before, **changes})
        wanted.require_readable(access)
        now = self.clock.now()
        changed = attrs.evolve(
            found, url=wanted.url, events=wanted.events, description=wanted.description
        )
        if wanted.status is WebhookStatus.ENABLED:
            changed = changed.enabled(now)
        else:
            changed = changed.disabled(DisabledReason.REQUEST, now)
        return found if changed == found else attrs.evolve(changed, updated_at=now)


async def find_webhook(webhooks: WebhookRepository, webhook_id: str, access: Access) -> Webhook:
    """Return the webhook. Raises ``NotFound`` if there is none, or it is not visible."""
    missing = "There is no webhook with this id."
    find = partial(webhooks.get, access=access)
    return await look_up(webhook_id, WebhookId, find, missing=missing, field="webhookId")


def _busy() -> WebhookChanged:
    return WebhookChanged("Other requests keep changing this webhook; try again.")
