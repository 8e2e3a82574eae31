"""Types of JSON fields, with their schemas in the OpenAPI document. Nothing is checked here."""

from __future__ import annotations

from typing import Annotated

import msgspec


def documented(*, example: object = None, **schema: object) -> msgspec.Meta:
    """Describe a field.

    Args:
        example: A value that an error about the field shows.
        schema: Keywords of the field's JSON schema.
    """
    extra = None if example is None else {"example": example}
    return msgspec.Meta(extra_json_schema={"extra": schema}, extra=extra)


Timestamp = Annotated[str, documented(format="date-time")]
Uuid = Annotated[str, documented(format="uuid")]
