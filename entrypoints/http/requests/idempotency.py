"""The ``Idempotency-Key`` header, for each POST that creates.

Such a route takes an :data:`IdempotencyKey`, documents :data:`REPEATED`, and answers with what
``IdempotentExecution`` remembers by :func:`repeatable`.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import HeaderParameter

from domain.idempotency.idempotent_execution import HEADER
from entrypoints.http.json_response import JsonResponse

Content = TypeVar("Content")

REPLAYED: Final = "Idempotency-Replayed"

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        description="Makes it safe to send the request again: for 24 hours the same request with "
        "the same key is answered as the first one was. 1 to 255 printable ASCII characters, with "
        "or without the quotation marks of a structured field (RFC 8941).",
        schema_extra={
            "one_of": None,
            "type": OpenAPIType.STRING,
            "pattern": r'^(?!""$)[!-~]([ -~]{0,253}[!-~])?$',
            "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        },
    ),
]

REPEATED: Final = {422: f"This {HEADER} was used for another request."}
"""What such a route may answer besides its own errors, and a 409 while the first is under way."""

AS_BEFORE: Final = f"With `{REPLAYED}: true` this was answered to an earlier request already."


def repeatable(content: Content, *, replayed: bool) -> JsonResponse[Content]:
    """``content``, and whether it is the answer to an earlier request."""
    return JsonResponse(content, headers={REPLAYED: "true"} if replayed else None)
