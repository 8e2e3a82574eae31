"""Requests and lists of webhooks and deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar.openapi.spec.enums import OpenAPIFormat

from domain.shared.pagination import Page
from domain.shared.webhook_target import MAX_URL
from domain.webhooks.definition import KINDS, MAX_DESCRIPTION, URL_EXAMPLE
from domain.webhooks.delivery import Delivery, DeliveryStatus
from domain.webhooks.subscription import ALL_EVENTS, Webhook, WebhookStatus
from entrypoints.http.requests.fields import query_parameter
from entrypoints.presenters.fields import documented
from entrypoints.presenters.webhooks import (
    DeliveryResponse,
    WebhookResponse,
    delivery_response,
    webhook_response,
)

_EVENTS: Final = ["call.ended", "session.ended"]

Url = Annotated[
    str,
    documented(
        example=URL_EXAMPLE, max_length=MAX_URL, pattern="^https://", examples=[URL_EXAMPLE],
    ),
]  # fmt: skip
Events = Annotated[
    list[Any],  # of texts, of which the domain says which are known
    documented(
        example=_EVENTS,
        one_of=[
            {"type": "array", "minItems": 1, "items": {"type": "string", "enum": [*KINDS]}},
            {"type": "array", "minItems": 1, "maxItems": 1, "items": {"const": ALL_EVENTS}},
        ],
    ),
]
Description = Annotated[
    str | None,
    documented(example="Updates the CRM.", max_length=MAX_DESCRIPTION, pattern=r"^[^\x00]*$"),
]
Status = Annotated[str, documented(example="enabled", enum=[*WebhookStatus])]
StatusQuery = Annotated[str | None, query_parameter(enum=[*DeliveryStatus])]
_ID: Final = {"format": OpenAPIFormat.UUID}
SessionQuery = Annotated[str | None, query_parameter("sessionId", **_ID)]
CallQuery = Annotated[str | None, query_parameter("callId", **_ID)]
EventQuery = Annotated[str | None, query_parameter("eventId", **_ID)]


class CreateWebhookRequest(
    msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True
):
    """A URL and the kinds of events that it is to get: kinds, or ``*`` alone for all."""

    url: Url
    events: Events
    description: Description = None


class ChangeWebhookRequest(
    msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True
):
    """The fields to replace. ``status: enabled`` resumes a webhook that was disabled."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    events: Events | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType = msgspec.UNSET
    status: Status | msgspec.UnsetType = msgspec.UNSET


class WebhooksResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Webhooks, the newest first; `nextCursor` is the next page's `cursor`, null on the last."""

    webhooks: list[WebhookResponse]
    next_cursor: str | None


class DeliveriesResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Deliveries, the newest first; `nextCursor` is the next page's `cursor`, null on the last."""

    deliveries: list[DeliveryResponse]
    next_cursor: str | None


def fields_of(body: CreateWebhookRequest | ChangeWebhookRequest) -> dict[str, Any]:
    """Return the fields that the body has, by their names in JSON."""
    fields: dict[str, Any] = msgspec.to_builtins(body)
    return fields


def stored_response(webhook: Webhook) -> str:
    """Return the response as JSON text."""
    return msgspec.json.encode(webhook_response(webhook, with_secret=True)).decode()


def repeated_response(text: str) -> WebhookResponse:
    """Return what :func:`stored_response` wrote."""
    return msgspec.json.decode(text, type=WebhookResponse)


def webhooks_response(page: Page[Webhook]) -> WebhooksResponse:
    """Return a page of webhooks."""
    return WebhooksResponse(
        webhooks=[webhook_response(webhook) for webhook in page.items],
        next_cursor=page.next_cursor,
    )


def deliveries_response(page: Page[Delivery]) -> DeliveriesResponse:
    """Return a page of deliveries."""
    return DeliveriesResponse(
        deliveries=[delivery_response(delivery) for delivery in page.items],
        next_cursor=page.next_cursor,
    )
