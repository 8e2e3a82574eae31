"""POST /telephony/livekit-webhook"""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import post
from litestar.openapi import ResponseSpec

from domain.errors import TelephonyDisabled
from domain.use_cases.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from entrypoints.http.json_request import JsonRequest, UnsupportedMediaType
from entrypoints.http.openapi import errors
from entrypoints.http.request_log import trace_parent

MEDIA_TYPE: Final = "application/webhook+json"
MAX_EVENT_BYTES: Final = 256 * 1024


class WebhookAnswer(msgspec.Struct):
    """The event is stored."""

    ok: bool


@post(
    "/telephony/livekit-webhook",
    public=True,
    status_code=200,
    request_max_body_size=MAX_EVENT_BYTES,
    tags=["telephony"],
    summary="Take a webhook of LiveKit's",
    responses={200: ResponseSpec(WebhookAnswer, description="Stored; the work follows.")}
    | errors(
        {
            400: "The body is signed, and is not a webhook event.",
            401: "LiveKit's key did not sign this body.",
            413: f"The body is larger than {MAX_EVENT_BYTES} bytes.",
            415: f"The body is not sent as {MEDIA_TYPE}.",
            503: "Telephony is off, or the event could not be stored; LiveKit sends it again.",
        }
    ),
)
async def livekit_webhook(
    request: JsonRequest, receive_webhook: ReceiveWebhook | None
) -> WebhookAnswer:
    """Store an event that LiveKit has signed, then answer; a repeat changes nothing.

    The body is what LiveKit sends (https://docs.livekit.io/home/server/webhooks/), the
    `Authorization` header its JWT.
    """
    if receive_webhook is None:
        raise TelephonyDisabled(
            "Telephony is off; TELEPHONY_ENABLED=true makes this service take webhooks."
        )
    media_type, _ = request.content_type
    if media_type != MEDIA_TYPE:
        raise UnsupportedMediaType(MEDIA_TYPE)
    body = await request.body()
    await receive_webhook(
        ReceiveWebhookCommand(
            body, request.headers.get("authorization"), trace_parent(request.scope)
        )
    )
    return WebhookAnswer(ok=True)
