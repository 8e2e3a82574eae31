"""What requests and responses of sessions have beside :mod:`entrypoints.presenters.sessions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from domain.agents.agent_config import RECORD, TOOLS
from domain.sessions.agent_status import AgentStatus
from domain.sessions.session import Session
from domain.sessions.start_session import StartedSession
from domain.shared.pagination import Page
from entrypoints.http.sessions.fields import (
    AgentConfigValues,
    AgentIdOrVersion,
    DispatchValue,
    KnownRoomName,
    LiveKitUrl,
    NewIdentity,
    NewRoomName,
    RecordValue,
    VariableValues,
)
from entrypoints.http.sessions.token_fields import TokenFields
from entrypoints.presenters.fields import Uuid
from entrypoints.presenters.sessions import SessionResponse, session_response


class StartSessionRequest(TokenFields, rename="camel", kw_only=True):
    """Who wants to talk, where, and to what kind of agent.

    ``roomName`` is 1-128 of ``A-Z a-z 0-9 _ -``. Without a room name a new room is made.
    ``agentConfig`` reaches the worker as dispatch metadata, unknown keys included.

    ``agentId`` names a saved agent, or a version of it (``id@version``). ``agentConfig`` is then
    merged into that agent's (RFC 7386), and ``variables`` are the values of its variables.
    With ``dispatch`` ``on_join`` the agent is dispatched once a user has joined. ``record`` false
    forbids to keep audio; it is the same as ``agentConfig.record``, which the worker gets too.
    """

    user_identity: NewIdentity
    room_name: NewRoomName = None
    agent_config: AgentConfigValues = None
    agent_id: AgentIdOrVersion = None
    variables: VariableValues = None
    dispatch: DispatchValue = None
    record: RecordValue = None

    @property
    def configuration(self) -> dict[str, Any] | None:
        """``agentConfig`` with ``record`` in it, where the worker and the ledger find it."""
        if self.record is None:
            return self.agent_config
        return {**(self.agent_config or {}), RECORD: self.record}


class AgentConfigSummary(msgspec.Struct):
    """The part of the running configuration that a frontend shows."""

    stt: str
    tts: str
    llm: str
    realtime: bool
    tools: list[str] | msgspec.UnsetType = msgspec.UNSET


class StartSessionResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Join ``livekitUrl`` with ``userToken`` within 10 minutes, or within ``tokenTtlSeconds``.

    `agentStatus`: `joined` (the agent is in the room), `expected` (it is on its way), `no_worker`
    (it is dispatched, but no worker took the latest jobs of its name: probably none is registered),
    `not_dispatched`. `agentId` and `agentVersion` name the saved agent of the session, if it began
    with one. `tools` is there if the configuration has tools, or is that of a saved agent.
    """

    user_token: str
    room_name: str
    livekit_url: LiveKitUrl
    agent_dispatched: bool
    agent_config: AgentConfigSummary
    session_id: Uuid
    # Answers that an earlier version stored have none.
    agent_status: AgentStatus = AgentStatus.EXPECTED
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
        agent_status=started.agent_status,
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
        next_cursor=page.next_cursor,
    )
