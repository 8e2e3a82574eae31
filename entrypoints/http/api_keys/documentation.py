"""What the OpenAPI document says of the routes of API keys."""

from __future__ import annotations

from typing import Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body

from entrypoints.http.api_keys.schemas import CreatedApiKeyResponse
from entrypoints.http.openapi.document import LIST_RESPONSES, REFUSALS, errors

_ASKED: Final = {"name": "our frontend", "tenant": "acme", "scopes": ["sessions:write"]}
_CREATED: Final = {
    "prefix": "blk_abcdefghijkl",
    **_ASKED,
    "state": "active",
    "createdAt": "2026-11-23T06:27:37.123Z",
    "expiresAt": None,
    "revokedAt": None,
    "lastUsedAt": None,
    "key": "blk_abcdefghijkl_…",
}
_FIRST: Final = {
    403: "The API key lacks the scope `admin`; or there is no key yet, and the first one is made "
    "on the command line."
}
CREATE_BODY: Final = Body(examples=[Example(summary="A key that starts sessions", value=_ASKED)])
CREATE_RESPONSES: Final = {
    201: ResponseSpec(
        CreatedApiKeyResponse,
        description="`key` is shown this once only.",
        examples=[Example(summary="Created", value=_CREATED)],
    ),
} | errors(
    REFUSALS
    | _FIRST
    | {
        400: "A value breaks a rule; `field` names it.",
        404: "In production nothing is here for who has no API key.",
        413: "The body is too large.",
        415: "The body is not sent as JSON.",
        503: "The ledger is out of reach.",
    }
)
READ_RESPONSES: Final = LIST_RESPONSES
DELETE_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: "There is no such key; or it is production, and you have no API key.",
        503: "The ledger is out of reach.",
    }
)
