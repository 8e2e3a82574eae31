"""What the OpenAPI document says of the routes of publishable keys."""

from __future__ import annotations

from typing import Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body

from entrypoints.http.openapi.document import REFUSALS, errors
from entrypoints.http.publishable_keys.schemas import CreatedPublishableKeyResponse

_ASKED: Final = {
    "agentName": "shreya-obnox",
    "allowedOrigins": ["https://app.example.com"],
    "requestsPerMinute": 60,
}
_CREATED: Final = {
    "id": "01a2074e-8b46-7010-b8f8-28073a54b3a7",
    "prefix": "pk_abcdefghijkl",
    **_ASKED,
    "createdAt": "2026-11-23T06:27:37.123Z",
    "key": "pk_abcdefghijkl_…",
}
_SAVED: Final = {
    "agentId": "01890a5d-ac96-774b-bcce-b302099a8057",
    "allowedOrigins": ["https://*.example.com"],
}
CREATE_BODY: Final = Body(
    examples=[
        Example(summary="A key for one web page", value=_ASKED),
        Example(summary="A key for a saved agent", value=_SAVED),
    ]
)
CREATE_RESPONSES: Final = {
    201: ResponseSpec(
        CreatedPublishableKeyResponse,
        description="`key` is shown this once only.",
        examples=[Example(summary="Created", value=_CREATED)],
    ),
} | errors(
    REFUSALS
    | {
        400: "A value breaks a rule, or the saved agent has a variable without a default; `field` "
        "names it.",
        404: "There is no such saved agent, or version of it.",
        413: "The body is too large.",
        415: "The body is not sent as JSON.",
        503: "The ledger is out of reach.",
    }
)
LIST_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: "In production nothing is here for who has no API key.",
        503: "The ledger is out of reach.",
    }
)
DELETE_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: "There is no such key.",
        503: "The ledger is out of reach.",
    }
)
