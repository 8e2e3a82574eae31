"""Fields of bodies and parameters of queries, with what the OpenAPI document says of each.

The document only describes what the domain and ``query`` hold to; nothing is
checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import PathParameter, QueryParameter

from domain.agents.agent_config import DEFAULTS, NOISE_CANCELLATION_TYPES, RESERVED
from domain.calls.call import CallStatus, Precision
from domain.rooms.sip_leg import Direction
from domain.sessions.session import SESSION_EVENTS, SessionStatus
from domain.shared.identifiers import LONGEST, MAX_LENGTH, Identity, RoomName
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT
from domain.shared.timeline import COURSE

CURSOR_FORMAT: Final = "cursor"
"""Not one of JSON Schema's: what is in a cursor is this service's business."""

WHITE_SPACE: Final = r"\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What :meth:`str.strip` removes, for a class in a pattern; JavaScript's ``\\s`` is another."""

_SPACE: Final = f"[{WHITE_SPACE}]*"
_NEW: Final = rf"[A-Za-z0-9_-]{{1,{MAX_LENGTH}}}"
_END: Final = rf"[^\x00{WHITE_SPACE}]"


def _says(**schema: object) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"extra": schema})


Timestamp = Annotated[str, _says(format=OpenAPIFormat.DATE_TIME)]
Happening = Annotated[str, _says(enum=list(COURSE))]
SessionEvent = Annotated[str, _says(enum=list(SESSION_EVENTS))]
AnsweredAtIs = Annotated[str, _says(enum=[Precision.EXACT, Precision.AT_MOST, Precision.UNKNOWN])]
DirectionIs = Annotated[str, _says(enum=["reported", "assumed"])]
Uuid = Annotated[str, _says(format=OpenAPIFormat.UUID)]
NewIdentity = Annotated[
    str, _says(pattern=f"^{_SPACE}{_NEW}{_SPACE}$", examples=[Identity.example])
]
NewRoomName = Annotated[
    str | None, _says(pattern=f"^{_SPACE}({_NEW}{_SPACE})?$", examples=[RoomName.example])
]
KnownRoomName = Annotated[
    str,
    _says(
        pattern=rf"^{_SPACE}{_END}([^\x00]{{0,{LONGEST - 2}}}{_END})?{_SPACE}$",
        examples=["support-7"],
    ),
]


def _known_key(key: str) -> dict[str, object]:
    if key == "noise_cancellation_type":
        return {"enum": [*NOISE_CANCELLATION_TYPES, None], "default": DEFAULTS[key]}
    kind = "boolean" if isinstance(DEFAULTS[key], bool) else "string"
    return {"type": [kind, "null"], "default": DEFAULTS[key]}


AgentConfigValues = Annotated[
    dict[str, Any] | None,
    _says(
        one_of=[
            {
                "type": "object",
                "properties": {key: _known_key(key) for key in DEFAULTS},
                "propertyNames": {"not": {"enum": list(RESERVED)}},
            },
            {"type": "null"},
        ]
    ),
]


def _query(name: str | None = None, **schema: object) -> Any:
    """A parameter of a query that may be absent, or blank, which is the same."""
    said: Mapping[str, object] = {"type": OpenAPIType.STRING, **schema}
    return QueryParameter(name=name, schema_extra={"one_of": None, **said})


IdPath = Annotated[str, PathParameter(schema_extra={"format": OpenAPIFormat.UUID})]
SessionRoom = Annotated[str, PathParameter(schema_extra={"examples": ["support-7"]})]
CallRoom = Annotated[str, PathParameter(schema_extra={"examples": ["call-7"]})]

_TIME: Final = {"format": OpenAPIFormat.DATE_TIME, "examples": ["2026-11-23T06:27:37.123Z"]}
_KNOWN: Final = {"pattern": rf"^[^\x00]*{_END}[^\x00]*$", "max_length": LONGEST}
_NUMBER: Final = {
    "pattern": r"^[^\x00-\x1f\x7f]*$",
    "max_length": LONGEST,
    "examples": ["+15105550100"],
}

SessionStatusQuery = Annotated[str | None, _query(enum=list(SessionStatus))]
CallStatusQuery = Annotated[str | None, _query(enum=list(CallStatus))]
DirectionQuery = Annotated[str | None, _query(enum=list(Direction))]
IdentityQuery = Annotated[str | None, _query("userIdentity", **_KNOWN)]
RoomNameQuery = Annotated[str | None, _query("roomName", **_KNOWN)]
FromQuery = Annotated[str | None, _query("from", **_NUMBER)]
ToQuery = Annotated[str | None, _query("to", **_NUMBER)]
TimeQuery = Annotated[str | None, _query(**_TIME)]
CursorQuery = Annotated[
    str | None, _query(format=CURSOR_FORMAT, description="`nextCursor` of the page before.")
]
LimitQuery = Annotated[
    str | None,
    _query(type=OpenAPIType.INTEGER, minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT),
]
