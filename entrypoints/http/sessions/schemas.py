"""What requests and responses of sessions have beside :mod:`entrypoints.presenters.sessions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import attrs
import msgspec
from litestar.params import PathParameter

from domain.agents.agent_config import DEFAULTS, NOISE_CANCELLATION_TYPES, RESERVED, TOOLS
from domain.agents.use_agent import AgentReference
from domain.agents.variables import MAX_VALUE, MAX_VARIABLES, NAME_PATTERN
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus
from domain.sessions.start_session import StartedSession
from domain.shared.identifiers import LONGEST, Identity, RoomName
from domain.shared.pagination import Page
from entrypoints.http.requests.fields import END, KNOWN, NEW, SPACE, query_parameter
from entrypoints.presenters.fields import Uuid, documented
from entrypoints.presenters.sessions import SessionResponse, session_response

NewIdentity = Annotated[
    str,
    documented(
        example=Identity.example,
        pattern=f"^{SPACE}{NEW}{SPACE}$",
        examples=[Identity.example],
    ),
]
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

SessionRoom = Annotated[str, PathParameter(schema_extra={"examples": ["support-7"]})]
SessionStatusQuery = Annotated[str | None, query_parameter(enum=list(SessionStatus))]
IdentityQuery = Annotated[str | None, query_parameter("userIdentity", **KNOWN)]


class StartSessionRequest(msgspec.Struct, rename="camel", kw_only=True):
    """Who wants to talk, where, and to what kind of agent.

    ``userIdentity`` and ``roomName`` are 1-128 of ``A-Z a-z 0-9 _ -``. Without a room name a new
    room is made. ``agentConfig`` reaches the worker as dispatch metadata, unknown keys included.

    ``agentId`` names a saved agent, or a version of it (``id@version``). ``agentConfig`` is then
    merged into that agent's (RFC 7386), and ``variables`` are the values of its variables.
    """

    user_identity: NewIdentity
    room_name: NewRoomName = None
    agent_config: AgentConfigValues = None
    agent_id: AgentIdOrVersion = None
    variables: VariableValues = None


class AgentConfigSummary(msgspec.Struct):
    """The part of the running configuration that a frontend shows."""

    stt: str
    tts: str
    llm: str
    realtime: bool
    tools: list[str] | msgspec.UnsetType = msgspec.UNSET


class StartSessionResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Join ``livekitUrl`` with ``userToken`` within 10 minutes.

    ``agentId`` and ``agentVersion`` name the saved agent of the session, if it began with one.
    ``tools`` is there if the configuration has tools, or is that of a saved agent.
    """

    user_token: str
    room_name: str
    livekit_url: LiveKitUrl
    agent_dispatched: bool
    agent_config: AgentConfigSummary
    session_id: Uuid
    agent_id: Uuid | msgspec.UnsetType = msgspec.UNSET
    agent_version: int | msgspec.UnsetType = msgspec.UNSET


class EndSessionRequest(msgspec.Struct, rename="camel", kw_only=True):
    """The room to end: any that LiveKit may have."""

    room_name: KnownRoomName


class SessionsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Sessions, the newest first; `nextCursor` is the next page's `cursor`, null on the last."""

    sessions: list[SessionResponse]
    next_cursor: str | None


def started_response(started: StartedSession) -> StartSessionResponse:
    """Return what a frontend needs to join the room."""
    session = started.session
    values = session.agent_config.values
    return StartSessionResponse(
        user_token=started.token,
        room_name=str(session.room_name),
        livekit_url=started.livekit_url,
        agent_dispatched=session.agent_dispatched,
        agent_config=AgentConfigSummary(
            values["stt"],
            values["tts"],
            values["llm"],
            values["realtime"],
            _tools(values),
        ),
        session_id=str(session.id),
        agent_id=msgspec.UNSET if session.agent_id is None else str(session.agent_id),
        agent_version=msgspec.UNSET if session.agent_version is None else session.agent_version,
    )


def _tools(values: Mapping[str, Any]) -> list[str] | msgspec.UnsetType:
    tools = values.get(TOOLS)
    # A session from before they were checked may have anything.
    if isinstance(tools, list) and all(isinstance(name, str) for name in tools):
        return tools
    return msgspec.UNSET


def stored_response(started: StartedSession) -> str:
    """Return the JSON without its token, which is a secret and would have expired."""
    return msgspec.json.encode(started_response(attrs.evolve(started, token=""))).decode()


def repeated_response(text: str, token: str) -> StartSessionResponse:
    """Return what :func:`stored_response` made, with a new token."""
    response = msgspec.json.decode(text, type=StartSessionResponse)
    response.user_token = token
    return response


def sessions_response(page: Page[Session]) -> SessionsResponse:
    """Return a page of sessions as the contract shows it."""
    return SessionsResponse(
        sessions=[session_response(session) for session in page.items],
        next_cursor=None if page.next is None else page.next.cursor,
    )
