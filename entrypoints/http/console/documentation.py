"""What the OpenAPI document says of the routes of the console's session."""

from __future__ import annotations

from typing import Final

from litestar.openapi import ResponseSpec

from entrypoints.http.openapi.document import KEYED, REFUSALS, errors

KEY_ONLY: Final = KEYED[1:]
"""A key must be presented."""
OPEN_RESPONSES: Final = errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: "In production nothing is here for who has no API key.",
        503: "The ledger is out of reach.",
    }
)
READ_RESPONSES: Final = errors(
    {400: "The request is malformed.", 503: "The ledger is out of reach."}
)
CLOSE_RESPONSES: Final = {
    204: ResponseSpec(None, generate_examples=False, description="The browser is signed out.")
} | errors(
    {
        400: "The request is malformed.",
        403: "The request lacks the header `X-Console: 1`, or a page of another origin sent it.",
    }
)
