"""The port to the webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.access.access import Access
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import WebhookId
from domain.shared.pagination import Cursor
from domain.webhooks.subscription import Webhook


class WebhookRepository(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def add(self, webhook: Webhook) -> None:
        """Store a new webhook. Raises :class:`~domain.shared.errors.Conflict` for a known id."""
        ...

    async def save(self, webhook: Webhook) -> Webhook:
        """Store a change of a webhook that was read at ``webhook.revision``.

        Returns it as the next reader sees it. Raises :class:`~domain.shared.errors.Conflict` if it
        has changed or was deleted since.
        """
        ...

    async def get(self, webhook_id: WebhookId, access: Access) -> Webhook | None:
        """Return the webhook with this id if it is visible to ``access``."""
        ...

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Webhook]:
        """Return the newest ``limit`` visible webhooks, of those older than ``after``."""
        ...

    async def count(self, tenant: str | None) -> int:
        """Return how many webhooks belong to ``tenant`` (None: to no tenant)."""
        ...

    async def delete(self, webhook_id: WebhookId, access: Access) -> bool:
        """Delete the webhook if it is visible; return whether it was."""
        ...

    async def all(self, unreadable: list[StorageUnavailable], access: Access) -> list[Webhook]:
        """Return every visible webhook.

        The errors of rows that cannot be read are appended to ``unreadable``.
        """
        ...

    async def note_failure(self, webhook_id: WebhookId, at: datetime) -> None:
        """Set ``failing_since`` unless it is set: a change of the record."""
        ...

    async def note_success(self, webhook_id: WebhookId) -> None:
        """Clear ``failing_since`` if it is set: a change of the record."""
        ...


class WebhookChanges(Protocol):
    """Webhooks in a unit of work."""

    async def save(self, webhook: Webhook) -> None:
        """Store a change of a webhook that was read at ``webhook.revision``, with the commit.

        The commit raises :class:`~domain.shared.errors.Conflict` as
        :meth:`WebhookRepository.save` does.
        """
        ...
