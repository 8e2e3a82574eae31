"""What the OpenAPI document says of LiveKit's webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from domain.shared.identifiers import LONGEST, LONGEST_ID
from entrypoints.http.inbox.schemas import MAX_EVENT_BYTES, MEDIA_TYPE, WebhookResponse
from entrypoints.http.openapi.document import errors
from entrypoints.http.openapi.operation import Operation

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
class WebhookOperation(Operation):
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


RESPONSES: Final = {
    200: ResponseSpec(WebhookResponse, description="Stored; the work follows.")
} | errors(
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
)
