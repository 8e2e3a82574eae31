"""What the OpenAPI document says of the routes of webhooks and deliveries."""

from __future__ import annotations

from typing import Any, Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body

from domain.webhooks.definition import URL_EXAMPLE
from entrypoints.http.openapi.document import HIDDEN, REFUSALS, errors, read_responses
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.http.requests.idempotency import AS_BEFORE, REPEATED
from entrypoints.presenters.webhooks import DeliveryResponse, TestResponse, WebhookResponse

_MISSING: Final = "There is no such webhook."
_WEBHOOK_ID: Final = "01a2074e-8b46-7010-b8f8-28073a54b3a7"
_NOW: Final = "2026-11-27T04:00:00.000Z"
_WEBHOOK: Final[dict[str, Any]] = {
    "webhookId": _WEBHOOK_ID,
    "url": URL_EXAMPLE,
    "events": ["call.ended", "session.ended"],
    "description": "Updates the CRM.",
    "status": "enabled",
    "disabledAt": None,
    "disabledReason": None,
    "failingSince": None,
    "previousSecretUntil": None,
    "createdAt": _NOW,
    "updatedAt": _NOW,
}
_SECRET: Final = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}
_DELIVERY: Final = {
    "deliveryId": "01a2074e-8b46-7010-b8f8-28073a54b3a8",
    "webhookId": _WEBHOOK_ID,
    "eventId": "01a2074e-8b46-7010-b8f8-28073a54b3a9",
    "event": "call.ended",
    "status": "pending",
    "attempts": [
        {
            "at": _NOW, "statusCode": 503, "durationMs": 31,
            "error": "The receiver answered with the status 503.",
        }
    ],
    "nextAttemptAt": "2026-11-27T04:00:05.000Z",
    "createdAt": _NOW,
}  # fmt: skip
CREATE_BODY: Final = Body(
    examples=[
        Example(summary="Ends of calls", value={"url": URL_EXAMPLE, "events": ["call.ended"]}),
        Example(
            summary="Everything",
            value={"url": URL_EXAMPLE, "events": ["*"], "description": "Updates the CRM."},
        ),
    ]
)
CHANGE_BODY: Final = Body(
    examples=[
        Example(summary="Other kinds", value={"events": ["call.ended", "call.failed"]}),
        Example(summary="Resume", value={"status": "enabled"}),
    ]
)
_CHANGES: Final = REFUSALS | {
    400: "A value breaks a rule; `field` names it.",
    413: "The body is too large.",
    415: "The body is not sent as JSON.",
    503: "The ledger is out of reach.",
}
_BUSY: Final[tuple[str, str, dict[str, object]]] = (
    "webhook_changed",
    "Other requests keep changing this webhook; try again.",
    {},
)
_FULL: Final[tuple[str, str, dict[str, object]]] = (
    "webhook_limit_reached",
    "There are 100 webhooks, which is the limit; delete one that is not used.",
    {},
)


def _shown(description: str, kind: type, value: dict[str, Any]) -> ResponseSpec:
    return ResponseSpec(
        kind,
        description=description,
        generate_examples=False,
        examples=[Example(summary=description, value=value)],
    )


CREATE_RESPONSES: Final = {
    201: _shown(f"The new webhook. {AS_BEFORE}", WebhookResponse, _WEBHOOK | _SECRET)
} | errors(
    _CHANGES
    | REPEATED
    | {
        404: HIDDEN,
        409: "There are 100 webhooks (`webhook_limit_reached`), or the first request with this "
        "Idempotency-Key is still being carried out.",
    },
    {409: _FULL},
)
CHANGE_RESPONSES: Final = {
    200: _shown("The webhook after the change.", WebhookResponse, _WEBHOOK)
} | errors(
    _CHANGES | {404: _MISSING, 409: "Other requests keep changing it (`webhook_changed`)."},
    {409: _BUSY},
)
ROTATE_RESPONSES: Final = {
    200: _shown("The webhook with its new secret.", WebhookResponse, _WEBHOOK | _SECRET)
} | errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: _MISSING,
        409: "Other requests keep changing it (`webhook_changed`).",
        503: "The ledger is out of reach.",
    },
    {409: _BUSY},
)
TEST_RESPONSES: Final = {
    200: _shown(
        "What the receiver answered.",
        TestResponse,
        {"delivered": True, "statusCode": 204, "error": None, "durationMs": 42},
    )
} | errors(
    REFUSALS | {400: "The request is malformed.", 404: _MISSING, 503: "The ledger is out of reach."}
)
READ_RESPONSES: Final = {200: _shown("The webhook.", WebhookResponse, _WEBHOOK)} | read_responses(
    _MISSING
)
DELETE_RESPONSES: Final = read_responses(_MISSING)
REDELIVER_RESPONSES: Final = {
    202: _shown("The delivery, which is pending again.", DeliveryResponse, _DELIVERY)
} | errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: "There is no such delivery.",
        503: "The ledger is out of reach.",
    }
)

_ID: Final = of_body("webhookId")
_NEXT: Final = {
    "webhook": to("webhookById", webhookId=_ID),
    "change": to("changeWebhook", webhookId=_ID),
    "rotateSecret": to("rotateWebhookSecret", webhookId=_ID),
    "deliveries": to("listDeliveries", webhookId=_ID),
    "delete": to("deleteWebhook", webhookId=_ID),
}
CreateWebhook = linked(201, **_NEXT)
ChangeWebhook = linked(200, **_NEXT)
WebhookById = linked(200, **_NEXT)
ListWebhooks = linked(200, nextPage=to("listWebhooks", cursor=of_body("nextCursor")))
ListDeliveries = linked(200, nextPage=to("listDeliveries", cursor=of_body("nextCursor")))
FindDeliveries = linked(200, nextPage=to("findDeliveries", cursor=of_body("nextCursor")))
