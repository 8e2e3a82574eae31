"""Webhooks and deliveries that are not stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import uuid_utils

from domain.shared.identifiers import DeliveryId, EventId, WebhookId
from domain.webhooks.delivery import Delivery
from domain.webhooks.subscription import Reach, Webhook
from tests.contract.storage.ledgers import NOON

SECOND = timedelta(seconds=1)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def new_webhook(**changes: Any) -> Webhook:
    """A webhook that is not stored."""
    values: dict[str, Any] = {
        "id": WebhookId(str(uuid_utils.uuid7())),
        "url": "https://example.com/events",
        "events": ("*",),
        "secret": SECRET,
        "reach": Reach(tenant="ann", sees_unowned=False),
        "created_at": NOON,
        "updated_at": NOON,
        "after_position": 0,
    }
    return Webhook(**(values | changes))


def new_delivery(webhook: Webhook, position: int, lane: str = "a", **changes: Any) -> Delivery:
    """A delivery that is not stored."""
    values: dict[str, Any] = {
        "id": DeliveryId(str(uuid_utils.uuid7())),
        "webhook_id": webhook.id,
        "reach": webhook.reach,
        "event_id": EventId(str(uuid_utils.uuid7())),
        "event": "session.created",
        "lane": lane,
        "position": position,
        "created_at": NOON + position * SECOND,
        "began_at": NOON,
        "next_attempt_at": NOON,
    }
    return Delivery(**(values | changes))
