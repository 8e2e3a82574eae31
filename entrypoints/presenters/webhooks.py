"""A webhook, a delivery and an attempt as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.webhooks.delivery import Attempt, Delivery, DeliveryStatus
from domain.webhooks.subscription import DisabledReason, Webhook, WebhookStatus
from entrypoints.presenters.fields import Timestamp, Uuid
from entrypoints.presenters.times import rfc3339, rfc3339_or_none


class WebhookResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A URL that gets domain events. Times are RFC 3339 in UTC with milliseconds.

    `secret` signs the requests. It is shown once: to the request that created the webhook or
    rotated its secret. Those before it also sign until `previousSecretUntil`.
    `failingSince` is the first failed attempt since the last successful one; after a day the
    webhook is disabled. `disabledReason`: `gone` (the receiver answered 410), `failing` or
    `request`.
    """

    webhook_id: Uuid
    url: str
    events: list[str]
    description: str | None
    status: WebhookStatus
    disabled_at: Timestamp | None
    disabled_reason: DisabledReason | None
    failing_since: Timestamp | None
    previous_secret_until: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp
    secret: str | msgspec.UnsetType = msgspec.UNSET


class AttemptResponse(msgspec.Struct, rename="camel", kw_only=True):
    """One request to the receiver: the status that it answered with, or why there is none."""

    at: Timestamp
    status_code: int | None
    error: str | None
    duration_ms: int


class DeliveryResponse(msgspec.Struct, rename="camel", kw_only=True):
    """An event and what became of it at one webhook. Times are RFC 3339 in UTC.

    `eventId` is the `webhook-id` of each request. `status`: `pending`, `succeeded`, or `failed`,
    which is set aside until it is redelivered. `attempts` has the latest 20.
    """

    delivery_id: Uuid
    webhook_id: Uuid
    event_id: Uuid
    event: str
    status: DeliveryStatus
    attempts: list[AttemptResponse]
    next_attempt_at: Timestamp | None
    created_at: Timestamp


class TestResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What a receiver answered to a test event, or why it did not."""

    delivered: bool
    status_code: int | None
    error: str | None
    duration_ms: int


def webhook_response(webhook: Webhook, *, with_secret: bool = False) -> WebhookResponse:
    """Return ``webhook`` as callers see it."""
    return WebhookResponse(
        webhook_id=webhook.id.value,
        url=webhook.url,
        events=list(webhook.events),
        description=webhook.description,
        status=webhook.status,
        disabled_at=rfc3339_or_none(webhook.disabled_at),
        disabled_reason=webhook.disabled_reason,
        failing_since=rfc3339_or_none(webhook.failing_since),
        previous_secret_until=rfc3339_or_none(webhook.previous_until),
        created_at=rfc3339(webhook.created_at),
        updated_at=rfc3339(webhook.updated_at),
        secret=webhook.secret if with_secret else msgspec.UNSET,
    )


def webhook_data(webhook: Webhook) -> Mapping[str, Any]:
    """Return the data of the webhook's events: no URL, which may contain a secret.

    Who sees the event may not see a webhook that gets every tenant's events: neither what it is
    for nor what it gets is shown.
    """
    shown: dict[str, Any] = msgspec.to_builtins(webhook_response(webhook))
    del shown["url"]
    if webhook.reach.sees_all:
        shown |= {"description": None, "events": []}
    return shown


def attempt_response(attempt: Attempt) -> AttemptResponse:
    """Return ``attempt`` as callers see it."""
    return AttemptResponse(
        at=rfc3339(attempt.at),
        status_code=attempt.status_code,
        error=attempt.error,
        duration_ms=attempt.duration_ms,
    )


def delivery_response(delivery: Delivery) -> DeliveryResponse:
    """Return ``delivery`` as callers see it."""
    return DeliveryResponse(
        delivery_id=delivery.id.value,
        webhook_id=delivery.webhook_id.value,
        event_id=delivery.event_id.value,
        event=delivery.event,
        status=delivery.status,
        attempts=[attempt_response(attempt) for attempt in delivery.attempts],
        next_attempt_at=rfc3339_or_none(delivery.next_attempt_at),
        created_at=rfc3339(delivery.created_at),
    )


def test_response(attempt: Attempt) -> TestResponse:
    """Return what came of a test event."""
    return TestResponse(
        delivered=attempt.has_succeeded,
        status_code=attempt.status_code,
        error=attempt.error,
        duration_ms=attempt.duration_ms,
    )
