"""Fields of bodies and parameters of queries that several capabilities have.

The OpenAPI document only describes what the domain and ``query`` check; nothing is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, get_args

import msgspec
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import PathParameter, QueryParameter

from domain.shared.identifiers import LONGEST, MAX_LENGTH
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT

CURSOR_FORMAT: Final = "cursor"
"""Not one of JSON Schema's: what is in a cursor is this service's business."""

WHITE_SPACE: Final = r"\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What :meth:`str.strip` removes, for a class in a pattern; JavaScript's ``\\s`` is another."""

SPACE: Final = f"[{WHITE_SPACE}]*"
NEW: Final = rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}"
"""A name that a caller chooses."""
END: Final = rf"[^\x00{WHITE_SPACE}]"
"""The first or last character of a name that LiveKit may have."""

KNOWN: Final = {"pattern": rf"^[^\x00]*{END}[^\x00]*$", "max_length": LONGEST}
"""The schema of a name that LiveKit may have."""
NUMBER: Final = {
    "pattern": r"^[^\x00-\x1f\x7f]*$",
    "max_length": LONGEST,
    "examples": ["+15105550100"],
}
"""The schema of a telephone number."""
PREFIX: Final = {"pattern": r"^[^\x00]*$", "max_length": LONGEST, "examples": ["support-"]}
"""The schema of what a list is searched for."""
_TIME: Final = {"format": OpenAPIFormat.DATE_TIME, "examples": ["2026-11-23T06:27:37.123Z"]}


def query_parameter(name: str | None = None, **schema: object) -> Any:
    """Describe a parameter of a query that may be absent, or blank, which is the same."""
    described: Mapping[str, object] = {"type": OpenAPIType.STRING, **schema}
    return QueryParameter(name=name, schema_extra={"one_of": None, **described})


IdPath = Annotated[str, PathParameter(schema_extra={"format": OpenAPIFormat.UUID})]
RoomNameQuery = Annotated[str | None, query_parameter("roomName", **KNOWN)]
TimeQuery = Annotated[str | None, query_parameter(**_TIME)]
CursorQuery = Annotated[
    str | None,
    query_parameter(format=CURSOR_FORMAT, description="`nextCursor` of the page before."),
]
LimitQuery = Annotated[
    str | None,
    query_parameter(type=OpenAPIType.INTEGER, minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT),
]


def example_of(body: Any, name: str) -> object:
    """Return the example that ``body``, a struct, has for its JSON field ``name``; None if none."""
    for field in msgspec.structs.fields(body):
        if field.encode_name == name:
            for meta in get_args(field.type)[1:]:
                if isinstance(meta, msgspec.Meta) and meta.extra:
                    return meta.extra.get("example")
    return None
