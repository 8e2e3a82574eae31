"""POST /telephony/livekit-webhook"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from litestar import post
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from domain.inbox.receive_webhook import ReceiveWebhook, ReceiveWebhookCommand
from domain.inbox.webhook_verifier import WebhookBody
from domain.shared.identifiers import LONGEST, LONGEST_ID
from entrypoints.http.middleware.request_log import trace_parent
from entrypoints.http.openapi.document import LIVEKIT_JWT, errors
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests.content_coding import GZIP, coding_of, decompressed
from entrypoints.http.requests.json_request import JsonRequest, UnsupportedMediaType

MEDIA_TYPE: Final = "application/webhook+json"
MEDIA_TYPES: Final = (MEDIA_TYPE, "application/json")
"""LiveKit's own, and what relays make of it."""

MAX_EVENT_BYTES: Final = 1024 * 1024
"""Room for LiveKit's own limits, 64 KiB of metadata and 64 KiB of attributes for a participant and
64 KiB of metadata for a room, each escaped in JSON, and hundreds of tracks."""


class WebhookResponse(msgspec.Struct):
    """The event is stored."""

    ok: Literal[True]


_LIKE_TEXT: Final = "A string; a number counts as its digits, anything else as absent."
_EVENT: Final = Schema(
    type=OpenAPIType.OBJECT,
    description="An event of LiveKit's. What a kind brings beside these fields is kept.",
    properties={
        "event": Schema(type=OpenAPIType.STRING, min_length=1, max_length=LONGEST_ID),
        "id": Schema(
            description=f"By it a repeat is known; without one, by the body. {_LIKE_TEXT}",
            max_length=LONGEST_ID,
        ),
        "room": Schema(
            type=[OpenAPIType.OBJECT, OpenAPIType.NULL],
            properties={
                "name": Schema(description=_LIKE_TEXT, max_length=LONGEST),
                "sid": Schema(description=_LIKE_TEXT, max_length=LONGEST_ID),
            },
        ),
        "participant": Schema(
            description="An object; anything else counts as absent.",
            properties={
                "identity": Schema(description=_LIKE_TEXT, max_length=LONGEST),
                "sid": Schema(description=_LIKE_TEXT, max_length=LONGEST_ID),
            },
        ),
    },
    required=["event"],
)
_EXAMPLE: Final = {
    "event": "participant_joined",
    "id": "EV_7SGcfDCBvSHo",
    "createdAt": "1795415257",
    "room": {"name": "call-7", "sid": "RM_hycBMAjmt6Ub"},
    "participant": {
        "sid": "PA_Qg9ZKyJbC3rd",
        "identity": "sip_+15105550100",
        "kind": "SIP",
        "joinedAt": "1795415257",
        "attributes": {
            "sip.phoneNumber": "+15105550100",
            "sip.trunkPhoneNumber": "+15105550199",
            "sip.callStatus": "active",
        },
    },
}


@dataclass
class _WebhookOperation(Operation):
    """What is signed is bytes, so that the handler takes those, and Litestar knows no body."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.request_body = RequestBody(
            required=True,
            content={
                MEDIA_TYPE: OpenAPIMediaType(
                    schema=_EVENT,
                    examples={"call": Example(summary="A call begins", value=_EXAMPLE)},
                )
            },
        )


@post(
    "/telephony/livekit-webhook",
    public=True,
    security=[{LIVEKIT_JWT: []}],
    operation_class=_WebhookOperation,
    status_code=200,
    request_max_body_size=MAX_EVENT_BYTES,
    tags=["telephony"],
    summary="Take a webhook of LiveKit's",
    responses={200: ResponseSpec(WebhookResponse, description="Stored; the work follows.")}
    | errors(
        {
            400: "The body is signed, and is not a webhook event.",
            401: "LiveKit's key did not sign this body.",
            413: f"The body is larger than {MAX_EVENT_BYTES} bytes, before or after decompression.",
            415: f"The body is not sent as {MEDIA_TYPE} or application/json, or is compressed with "
            "something else than gzip.",
            503: "The event could not be stored; LiveKit sends it again.",
        },
        {
            400: ("invalid_webhook", "The body is not a LiveKit webhook event in JSON.", {}),
            401: ("invalid_signature", "The signature is not one for this body.", {}),
            413: (
                "body_too_large",
                f"The body is larger than {MAX_EVENT_BYTES} bytes.",
                {"limitBytes": MAX_EVENT_BYTES},
            ),
            415: (
                "unsupported_media_type",
                f"Send the body as JSON with the header 'Content-Type: {MEDIA_TYPE}'.",
                {"example": MEDIA_TYPE},
            ),
        },
    ),
)
async def livekit_webhook(request: JsonRequest, receive_webhook: ReceiveWebhook) -> WebhookResponse:
    """Store an event that LiveKit has signed, then answer; a repeat changes nothing.

    The body is what LiveKit sends (https://docs.livekit.io/home/server/webhooks/), the
    `Authorization` header its JWT. The checks come in this order: the content type and coding
    (415), the JWT (401), the body's size (413), the body's hash (401), the event (400). So the body
    of a sender without a valid JWT is not read.
    """
    media_type, _ = request.content_type
    if media_type not in MEDIA_TYPES:
        raise UnsupportedMediaType(media_type, MEDIA_TYPE)
    coding = coding_of(request.headers, supported=(GZIP,))

    async def read_body() -> WebhookBody:
        try:
            received = await request.body()
            return WebhookBody(received, decompressed(received, coding, MAX_EVENT_BYTES))
        finally:
            request.drop_body()

    await receive_webhook(
        ReceiveWebhookCommand(
            request.headers.get("authorization"), read_body, trace_parent(request.scope)
        )
    )
    return WebhookResponse(ok=True)
