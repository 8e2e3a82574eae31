"""The port to the deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.access.access import Access
from domain.shared.identifiers import DeliveryId, EventId, WebhookId
from domain.shared.pagination import Cursor
from domain.webhooks.delivery import Delivery, DeliveryStatus


class DeliveryRepository(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def cursor(self) -> int | None:
        """Return the position of the last event that was fanned out; None before the first."""
        ...

    async def fan_out(self, deliveries: Sequence[Delivery], before: int | None, after: int) -> bool:
        """Add ``deliveries`` and move the cursor from ``before`` to ``after``.

        False, and nothing is changed, if the cursor is elsewhere. A delivery of an event that its
        webhook has already is left out.
        """
        ...

    async def get(self, delivery_id: DeliveryId, access: Access) -> Delivery | None:
        """Return the delivery with this id if its webhook is visible to ``access``."""
        ...

    async def page(
        self,
        webhook_id: WebhookId,
        status: DeliveryStatus | None,
        after: Cursor | None,
        limit: int,
        access: Access,
    ) -> list[Delivery]:
        """Return a webhook's newest ``limit`` deliveries, of those older than ``after``."""
        ...

    async def in_lane(  # noqa: PLR0913, PLR0917 - a list's filter and place
        self,
        lane: str,
        event_id: EventId | None,
        status: DeliveryStatus | None,
        after: Cursor | None,
        limit: int,
        access: Access,
    ) -> list[Delivery]:
        """Return the newest ``limit`` visible deliveries of the stored events of ``lane``.

        Of the event ``event_id`` only, if it is given; of those older than ``after``, and of every
        webhook that is visible to ``access``.
        """
        ...

    async def oldest_failed(
        self, webhook_id: WebhookId, before: datetime, limit: int, access: Access
    ) -> list[Delivery]:
        """Return a webhook's deliveries that failed before then, in the order of their events."""
        ...

    async def redeliver(self, deliveries: Sequence[Delivery], due_at: datetime) -> int:
        """Store deliveries that are pending again, and have their lanes due then.

        Returns how many there still are.
        """
        ...

    async def remove_pending(self, webhook_id: WebhookId) -> None:
        """Delete what waits for a webhook that was deleted."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete deliveries that were settled before then, and what waits for no webhook.

        Returns how many deliveries were settled.
        """
        ...
