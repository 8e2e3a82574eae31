"""Fields of sessions' requests and lists, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar.params import PathParameter

from domain.agents.agent_config import DEFAULTS, NOISE_CANCELLATION_TYPES, RESERVED, TOOLS
from domain.agents.use_agent import AgentReference
from domain.agents.variables import MAX_VALUE, MAX_VARIABLES, NAME_PATTERN
from domain.sessions.dispatch_timing import DispatchTiming
from domain.sessions.session_status import SessionStatus
from domain.sessions.user_identity import AGENT_PREFIX, MAX_IDENTITY_BYTES, IdentityCharset
from domain.shared.identifiers import LONGEST, MAX_LENGTH, Identity, RoomName
from entrypoints.http.requests.fields import (
    END,
    KNOWN,
    NEW,
    PREFIX,
    SPACE,
    WHITE_SPACE,
    query_parameter,
)
from entrypoints.presenters.fields import documented

NewIdentity = Annotated[str, documented(example=Identity.example, examples=[Identity.example])]
_NO_AGENT: Final = f"(?!{AGENT_PREFIX})"
_CONTROL: Final = r"\x00-\x1f\x7f-\x9f"
_VISIBLE: Final = f"[^{_CONTROL}{WHITE_SPACE}]"
_IDENTITIES: Final = {
    IdentityCharset.CONTRACT: (NEW, f"1 to {MAX_LENGTH} of `A-Z a-z 0-9 _ -`"),
    IdentityCharset.ANY: (
        f"{_VISIBLE}([^{_CONTROL}]*{_VISIBLE})?",
        f"1 to {MAX_IDENTITY_BYTES} bytes of UTF-8 without control characters",
    ),
}


def identity_keywords(charset: IdentityCharset, *, may_be_empty: bool = False) -> dict[str, object]:
    """Return the schema of a user's identity where IDENTITY_CHARSET is ``charset``.

    ``may_be_empty``: an identity is made where none is given.
    """
    pattern, rule = _IDENTITIES[charset]
    absent = " A new one if absent." if may_be_empty else ""
    end = "$|^$" if may_be_empty else "$"
    return {
        "pattern": f"^{SPACE}{_NO_AGENT}{pattern}{SPACE}{end}",
        "description": f"{rule} (`IDENTITY_CHARSET={charset}`); surrounding white space is "
        f"removed. None begins with `{AGENT_PREFIX}`.{absent}",
    }


NewRoomName = Annotated[
    str | None,
    documented(
        example=RoomName.example,
        pattern=f"^{SPACE}({NEW}{SPACE})?$",
        examples=[RoomName.example],
    ),
]
LiveKitUrl = Annotated[
    str,
    documented(
        description="The LiveKit server's URL for clients: the variable `LIVEKIT_PUBLIC_URL` or, "
        "where that is not set, `LIVEKIT_URL`."
    ),
]
KnownRoomName = Annotated[
    str,
    documented(
        example=RoomName.example,
        pattern=rf"^{SPACE}{END}([^\x00]{{0,{LONGEST - 2}}}{END})?{SPACE}$",
        examples=["support-7"],
    ),
]


def _known_key(key: str) -> dict[str, object]:
    if key == "noise_cancellation_type":
        return {"enum": [*NOISE_CANCELLATION_TYPES, None], "default": DEFAULTS[key]}
    kind = "boolean" if isinstance(DEFAULTS[key], bool) else "string"
    return {"type": [kind, "null"], "default": DEFAULTS[key]}


_TOOLS: Final = {"type": ["array", "null"], "items": {"type": "string"}}

AgentConfigValues = Annotated[
    dict[str, Any] | None,
    documented(
        example={"prompt": "You are a friendly receptionist.", "greeting": "Hello!"},
        one_of=[
            {
                "type": "object",
                "properties": {**{key: _known_key(key) for key in DEFAULTS}, TOOLS: _TOOLS},
                "propertyNames": {"not": {"enum": list(RESERVED)}},
            },
            {"type": "null"},
        ],
    ),
]

AgentIdOrVersion = Annotated[
    str | None,
    documented(
        example=AgentReference.example,
        pattern=f"^{AgentReference.pattern}$",
        examples=[AgentReference.example],
    ),
]
VariableValues = Annotated[
    dict[str, Any] | None,
    documented(
        example={"customer_name": "Ann"},
        one_of=[
            {
                "type": "object",
                "maxProperties": MAX_VARIABLES,
                "propertyNames": {"pattern": f"^{NAME_PATTERN}$"},
                "additionalProperties": {"type": "string", "maxLength": MAX_VALUE},
            },
            {"type": "null"},
        ],
    ),
]

DispatchValue = Annotated[
    str | None, documented(enum=[*DispatchTiming, None], example=DispatchTiming.ON_JOIN.value)
]
RecordValue = Annotated[bool | None, documented(example=False)]
SessionRoom = Annotated[str, PathParameter(schema_extra={"examples": ["support-7"]})]
SessionStatusQuery = Annotated[str | None, query_parameter(enum=list(SessionStatus))]
IdentityQuery = Annotated[
    str | None,
    query_parameter(
        "userIdentity",
        description="Compared exactly; in a URL `+` is sent as `%2B`, `@` and `|` as `%40` and "
        "`%7C`.",
        **KNOWN,
    ),
]
SearchQuery = Annotated[
    str | None,
    query_parameter(
        "q",
        description="How the room's name or sid, the user's identity or the session's id begins, "
        "in upper and lower case as given; of an id, 8 characters or more.",
        **PREFIX,
    ),
]
