"""Between the rows of webhooks and deliveries and the domain's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from adapters.sqlalchemy.mapping import unreadable_row
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import DeliveryId, EventId, WebhookId
from domain.shared.storable_text import storable
from domain.webhooks.delivery import Attempt, Delivery, DeliveryStatus
from domain.webhooks.subscription import DisabledReason, Reach, Webhook, WebhookStatus

_events: Final = msgspec.json.Decoder(tuple[str, ...])
_attempts: Final = msgspec.json.Decoder(list[tuple[datetime, int | None, str | None, int]])


def webhook_values(webhook: Webhook) -> dict[str, Any]:
    """Return the columns of ``webhook``'s row."""
    return {
        "id": webhook.id.value,
        **_reach_values(webhook.reach),
        "after_position": webhook.after_position,
        "created_at": webhook.created_at,
        **webhook_moves(webhook),
    }


def webhook_moves(webhook: Webhook) -> dict[str, Any]:
    """Return the columns that a change writes."""
    reason = webhook.disabled_reason
    return {
        "url": webhook.url,
        "events": msgspec.json.encode(webhook.events).decode(),
        "description": webhook.description,
        "secret": webhook.secret,
        "previous_secret": " ".join(webhook.previous_secrets) or None,
        "previous_until": webhook.previous_until,
        "status": webhook.status.value,
        "disabled_at": webhook.disabled_at,
        "disabled_reason": None if reason is None else reason.value,
        "failing_since": webhook.failing_since,
        "revision": webhook.revision,
        "updated_at": webhook.updated_at,
    }


def to_webhook(row: Row[Any]) -> Webhook:
    """Return the webhook of a row. Raises ``StorageUnavailable`` for an unknown form."""
    try:
        reason = row.disabled_reason
        return Webhook(
            id=WebhookId(row.id),
            reach=to_reach(row),
            url=row.url,
            events=_events.decode(row.events),
            description=row.description,
            secret=row.secret,
            previous_secrets=tuple((row.previous_secret or "").split()),
            previous_until=row.previous_until,
            after_position=row.after_position,
            status=WebhookStatus(row.status),
            disabled_at=row.disabled_at,
            disabled_reason=None if reason is None else DisabledReason(reason),
            failing_since=row.failing_since,
            revision=row.revision,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
    except (InvalidInput, ValueError, msgspec.DecodeError):
        raise unreadable_row(f"webhook {row.id}") from None


def delivery_values(delivery: Delivery) -> dict[str, Any]:
    """Return the columns of ``delivery``'s row."""
    return {
        "id": delivery.id.value,
        "webhook_id": delivery.webhook_id.value,
        **_reach_values(delivery.reach),
        "event_id": delivery.event_id.value,
        "event": delivery.event,
        "position": delivery.position,
        "created_at": delivery.created_at,
        **delivery_moves(delivery),
    }


def delivery_moves(delivery: Delivery) -> dict[str, Any]:
    """Return the columns that change as a delivery is attempted."""
    attempts = [
        (one.at, one.status_code, one.error and storable(one.error), one.duration_ms)
        for one in delivery.attempts
    ]
    return {
        "lane": delivery.lane,
        "status": delivery.status.value,
        "failures": delivery.failures,
        "attempts": msgspec.json.encode(attempts).decode(),
        "next_attempt_at": delivery.next_attempt_at,
        "began_at": delivery.began_at,
        "settled_at": delivery.settled_at,
        "changed_at": delivery.changed_at,
    }


def to_delivery(row: Row[Any]) -> Delivery:
    """Return the delivery of a row. Raises ``StorageUnavailable`` for an unknown form."""
    try:
        return Delivery(
            id=DeliveryId(row.id),
            webhook_id=WebhookId(row.webhook_id),
            reach=to_reach(row),
            event_id=EventId(row.event_id),
            event=row.event,
            lane=row.lane,
            position=row.position,
            status=DeliveryStatus(row.status),
            failures=row.failures,
            attempts=tuple(
                Attempt(at=at, status_code=status, error=error, duration_ms=duration)
                for at, status, error, duration in _attempts.decode(row.attempts)
            ),
            next_attempt_at=row.next_attempt_at,
            created_at=row.created_at,
            began_at=row.began_at,
            settled_at=row.settled_at,
        )
    except (InvalidInput, ValueError, msgspec.DecodeError):
        raise unreadable_row(f"delivery {row.id}") from None


def _reach_values(reach: Reach) -> Mapping[str, Any]:
    return {
        "tenant": reach.tenant,
        "sees_unowned": reach.sees_unowned,
        "sees_all": reach.sees_all,
    }


def to_reach(row: Row[Any]) -> Reach:
    """Return the reach of a row."""
    # SQLite's driver returns 0 and 1.
    return Reach(
        tenant=row.tenant, sees_unowned=bool(row.sees_unowned), sees_all=bool(row.sees_all)
    )
