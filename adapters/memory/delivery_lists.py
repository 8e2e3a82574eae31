"""Lists of deliveries that are in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from domain.shared.pagination import Cursor
from domain.webhooks.delivery import Delivery, DeliveryStatus


def newest(
    deliveries: Iterable[Delivery], status: DeliveryStatus | None, after: Cursor | None, limit: int
) -> list[Delivery]:
    """Return the newest ``limit``, of those older than ``after``, of this status if given."""
    end = None if after is None else (after.created_at, after.id)
    wanted = [
        one for one in deliveries if status in (None, one.status) and (end is None or one.age < end)
    ]
    return sorted(wanted, key=lambda one: one.age, reverse=True)[:limit]


def counted(deliveries: Collection[Delivery]) -> Mapping[str, Any]:
    """Return the statistics of the ledger's deliveries."""
    pending = [one.created_at for one in deliveries if one.is_pending]
    return {
        "pending_deliveries": len(pending),
        "deliveries_since": min(pending, default=None),
        "failed_deliveries": sum(one.status is DeliveryStatus.FAILED for one in deliveries),
    }


def oldest_failed(deliveries: Iterable[Delivery], before: datetime, limit: int) -> list[Delivery]:
    """Return those that failed before then, in the order of their events."""
    failed = [
        one
        for one in deliveries
        if one.status is DeliveryStatus.FAILED
        and one.settled_at is not None
        and one.settled_at < before
    ]
    return sorted(failed, key=lambda one: one.position)[:limit]
