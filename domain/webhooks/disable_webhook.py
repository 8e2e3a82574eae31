"""Disable a webhook whose receiver is gone or fails, and append the event of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from domain.access.access import SYSTEM
from domain.events.domain_event import EventKind, NewEvent
from domain.events.outbox import EventWork
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.identifiers import WebhookId
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory
from domain.webhooks.repository import WebhookChanges, WebhookRepository
from domain.webhooks.subscription import FAILING_FOR, DisabledReason, Webhook


class WebhookWork(EventWork, Protocol):
    """A transaction over webhooks and domain events."""

    @property
    def webhooks(self) -> WebhookChanges:
        """The webhooks."""
        ...


@attrs.frozen(kw_only=True)
class DisableWebhook:
    """Disable the webhook and append ``webhook.disabled`` in one transaction.

    ``present`` returns the event's data: no URL and no secret, since others of the same tenant may
    get the event.
    """

    webhooks: WebhookRepository
    unit_of_work: UnitOfWorkFactory[WebhookWork]
    clock: Clock
    present: Callable[[Webhook], Mapping[str, Any]]

    async def __call__(self, webhook_id: WebhookId, reason: DisabledReason) -> None:
        """Do nothing if it is disabled, was deleted, or has succeeded meanwhile.

        Raises ``StorageUnavailable``.
        """
        now = self.clock.now()
        found = await self.webhooks.get(webhook_id, SYSTEM)
        if found is None or not found.is_enabled:
            return
        since = found.failing_since
        if reason is DisabledReason.FAILING and (since is None or now - since < FAILING_FOR):
            return
        disabled = found.disabled(reason, now)
        async with self.unit_of_work() as work:
            try:
                await work.webhooks.save(disabled)
                await work.events.append(
                    NewEvent(
                        kind=EventKind.WEBHOOK_DISABLED,
                        occurred_at=now,
                        source=Source.API,
                        tenant=found.reach.tenant,
                        data=self.present(disabled),
                    )
                )
                await work.commit()
            except Conflict:
                return  # changed meanwhile: the next failure decides anew
