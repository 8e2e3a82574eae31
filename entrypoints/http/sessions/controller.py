"""POST /session, POST /session/end, GET /sessions/…"""

from __future__ import annotations

from typing import Annotated, Any, Final

import attrs
import msgspec
from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.sessions.end_session import EndSession, EndSessionCommand
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.repository import SessionFilter
from domain.sessions.session import EndReason, Session, SessionStatus
from domain.sessions.start_session import StartedSession, StartSessionCommand
from domain.sessions.start_session_once import StartSessionOnce
from domain.shared.errors import LiveKitError
from domain.shared.identifiers import Identity, RoomName
from domain.shared.timeline import Source
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.overload import overload_of, page_of
from entrypoints.http.middleware.request_log import note
from entrypoints.http.openapi.document import HIDDEN, KEYED, REFUSALS, errors
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import (
    AgentConfigValues,
    CursorQuery,
    IdentityQuery,
    IdPath,
    KnownRoomName,
    LimitQuery,
    NewIdentity,
    NewRoomName,
    RoomNameQuery,
    SessionEvent,
    SessionRoom,
    SessionStatusQuery,
    TimeQuery,
    Timestamp,
    Uuid,
)
from entrypoints.http.requests.idempotency import AS_BEFORE, REPEATED, IdempotencyKey, repeatable
from entrypoints.http.requests.room_path import room_in_path
from entrypoints.http.requests.times import rfc3339, rfc3339_or_none

READS: Final = (Scope.CALLS_READ, Scope.SESSIONS_WRITE)
_STARTED: Final = {
    "userToken": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ2aWRlbyI6e30sInN1YiI6InVzZXItNDIifQ.sig",
    "roomName": "support-7",
    "livekitUrl": "wss://my-project.livekit.cloud",
    "agentDispatched": True,
    "agentConfig": {
        "stt": "assemblyai/universal-streaming:en",
        "tts": "cartesia/sonic-3:9626c31c-bec5-4cca-baa8-f8ba9e84c8bc",
        "llm": "openai/gpt-4o-mini",
        "realtime": False,
    },
    "sessionId": "01a2074e-8b46-7010-b8f8-28073a54b3a7",
}


class StartSessionRequest(msgspec.Struct, rename="camel", kw_only=True):
    """Who wants to talk, where, and to what kind of agent.

    ``userIdentity`` and ``roomName`` are 1-128 of ``A-Z a-z 0-9 _ -``. Without a room name a new
    room is made. ``agentConfig`` reaches the worker as dispatch metadata, unknown keys included.
    """

    user_identity: NewIdentity
    room_name: NewRoomName = None
    agent_config: AgentConfigValues = None


class AgentConfigSummary(msgspec.Struct):
    """The part of the running configuration that a frontend shows."""

    stt: str
    tts: str
    llm: str
    realtime: bool


class StartSessionResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Join ``livekitUrl`` with ``userToken`` within 10 minutes."""

    user_token: str
    room_name: str
    livekit_url: str
    agent_dispatched: bool
    agent_config: AgentConfigSummary
    session_id: Uuid


class EndSessionRequest(msgspec.Struct, rename="camel", kw_only=True):
    """The room to end: any that LiveKit may have."""

    room_name: KnownRoomName


class SessionHappening(msgspec.Struct):
    """One thing that happened to a session, and the source that reported it."""

    at: Timestamp
    what: SessionEvent
    source: Source


class SessionResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A session as the ledger has it. Times are RFC 3339 in UTC with milliseconds.

    `agentDispatched` is true while the agent is in the room or on its way. `agentJoinedAt` and
    `agentLeftAt` are the latest agent's; `agentJoinSeconds` is how long it took from its dispatch
    until it joined. `agentAdopted`: the agent, or its dispatch, was in the room before the session.
    """

    session_id: Uuid
    room_name: str
    room_sid: str | None
    user_identity: str
    agent_name: str
    agent_config: dict[str, Any]
    status: SessionStatus
    agent_dispatched: bool
    created_at: Timestamp
    dispatched_at: Timestamp | None
    active_at: Timestamp | None
    agent_joined_at: Timestamp | None
    agent_left_at: Timestamp | None
    agent_join_seconds: float | None
    agent_adopted: bool
    ended_at: Timestamp | None
    end_reason: EndReason | None
    call_id: Uuid | None
    timeline: list[SessionHappening]


class SessionsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Sessions, the newest first; `nextCursor` is the next page's `cursor`, null on the last."""

    sessions: list[SessionResponse]
    next_cursor: str | None


def answer(session: Session) -> SessionResponse:
    """Return a session as the HTTP API and the command line show it."""
    latency = session.join_latency
    return SessionResponse(
        session_id=str(session.id),
        room_name=str(session.room_name),
        room_sid=session.room_sid,
        user_identity=str(session.identity),
        agent_name=session.agent_name,
        agent_config=dict(session.agent_config.values),
        status=SessionStatus.ENDED if session.only_holds_room else session.status,
        agent_dispatched=session.agent_dispatched,
        created_at=rfc3339(session.created_at),
        dispatched_at=rfc3339_or_none(session.dispatched_at),
        active_at=rfc3339_or_none(session.active_at),
        agent_joined_at=rfc3339_or_none(session.agent_joined_at),
        agent_left_at=rfc3339_or_none(session.agent_left_at),
        agent_join_seconds=None if latency is None else latency.total_seconds(),
        agent_adopted=session.agent_adopted,
        ended_at=rfc3339_or_none(session.ended_at),
        end_reason=session.end_reason,
        call_id=None if session.phone is None else str(session.phone.call_id),
        timeline=[
            SessionHappening(rfc3339(entry.at), entry.what, entry.source)
            for entry in session.timeline
        ],
    )


@post(
    "/session",
    needs=(Scope.SESSIONS_WRITE,),
    security=KEYED,
    status_code=200,
    tags=["sessions"],
    operation_class=Operation,
    summary="Start a session, or join the one in that room",
    responses={
        200: ResponseSpec(
            StartSessionResponse,
            description=f"Join `livekitUrl` with `userToken`. {AS_BEFORE} The token is a new one.",
            examples=[Example(summary="Started", value=_STARTED)],
        ),
    }
    | errors(
        REFUSALS
        | REPEATED
        | {
            400: "A value breaks a rule; `field` names it.",
            404: "The room is another tenant's, or was until less than 12 minutes ago.",
            409: "Another request is still starting or ending this room's session, or has the "
            "same Idempotency-Key; or the session that this key began has ended (`session_ended` "
            "without Retry-After).",
            413: "The body or the agent's metadata is too large.",
            415: "The body is not sent as JSON.",
            502: "LiveKit refused or could not be reached; `agentDispatched` is false. Post again.",
            503: "The ledger is out of reach; nothing was started.",
        }
    ),
)
async def start_session(
    data: Annotated[
        StartSessionRequest,
        Body(
            examples=[
                Example(summary="The least", value={"userIdentity": "user-42"}),
                Example(
                    summary="A named room and a configured agent",
                    value={
                        "userIdentity": "user-42",
                        "roomName": "support-7",
                        "agentConfig": {"greeting": "Hello!", "tenant": {"plan": "pro"}},
                    },
                ),
            ]
        ),
    ],
    start_session: StartSessionOnce,
    scope: AsgiScope,
    idempotency_key: IdempotencyKey = None,
) -> Response[StartSessionResponse]:
    """Mint a token for a user and see to it that exactly one agent is in the room.

    Posting again for a room whose session is live joins it: a token for that identity, the
    running session's id and configuration, and no second agent while one is there or on its way.
    """
    command = StartSessionCommand(
        data.user_identity, data.room_name, data.agent_config, access_of(scope)
    )
    try:
        if idempotency_key is None:
            answer, replayed = _started(await start_session.start_session(command)), False
        else:
            told = await start_session(idempotency_key, command, _stored)
            answer, replayed = (
                msgspec.json.decode(told.text, type=StartSessionResponse),
                told.replayed,
            )
            answer.user_token = told.token
    except LiveKitError as error:
        error.details["agentDispatched"] = False
        raise
    note(scope, sessionId=answer.session_id, roomName=answer.room_name)
    return repeatable(answer, replayed=replayed)


def _started(started: StartedSession) -> StartSessionResponse:
    values = started.session.agent_config.values
    return StartSessionResponse(
        user_token=started.token,
        room_name=str(started.session.room_name),
        livekit_url=started.livekit_url,
        agent_dispatched=started.session.agent_dispatched,
        agent_config=AgentConfigSummary(
            values["stt"], values["tts"], values["llm"], values["realtime"]
        ),
        session_id=str(started.session.id),
    )


def _stored(started: StartedSession) -> str:
    """The answer without its token, which is a secret and would have expired."""
    return msgspec.json.encode(_started(attrs.evolve(started, token=""))).decode()


@post(
    "/session/end",
    needs=(Scope.SESSIONS_WRITE,),
    # No forgery by another site's form: a key comes in a header, which only scripts can set.
    takes_beacons=True,
    security=KEYED,
    status_code=204,
    tags=["sessions"],
    operation_class=Operation,
    summary="End a room for everybody in it",
    responses=errors(
        REFUSALS
        | {
            400: "A value breaks a rule; `field` names it.",
            404: "Neither the ledger nor LiveKit knows the room.",
            409: "Another request is still starting or ending this room's session.",
            413: "The body is too large.",
            415: "The body is not sent as JSON, nor as `navigator.sendBeacon` sends it.",
            502: "LiveKit refused or could not be reached; the session stays open. Post again.",
            503: "The ledger is out of reach.",
        }
    ),
)
async def end_session(
    data: Annotated[
        EndSessionRequest,
        Body(examples=[Example(summary="A room", value={"roomName": "support-7"})]),
    ],
    end_session: EndSession,
    scope: AsgiScope,
) -> None:
    """Delete the LiveKit room and end its session. A room that is already gone is a success.

    JSON may also be sent as `text/plain` or without a content type, as `navigator.sendBeacon` does.
    """
    note(scope, roomName=data.room_name)
    await end_session(EndSessionCommand(data.room_name, access_of(scope)))


@get(
    "/sessions",
    needs=READS,
    security=KEYED,
    hidden=True,
    tags=["sessions"],
    operation_class=Operation,
    summary="Sessions, the newest first (development, or with an API key)",
    responses=errors(
        REFUSALS
        | {
            400: "A filter is malformed; `field` names it.",
            404: HIDDEN,
            503: "The ledger is out of reach.",
        }
    ),
)
async def list_sessions(  # noqa: PLR0913, PLR0917 - each filter is a parameter
    read_sessions: ReadSessions,
    scope: AsgiScope,
    status: SessionStatusQuery = None,
    user_identity: IdentityQuery = None,
    room_name: RoomNameQuery = None,
    since: TimeQuery = None,
    until: TimeQuery = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = None,
) -> SessionsResponse:
    """Filters are combined. `since` (included) and `until` (not) bound `createdAt`.

    A page ends before `limit` where its items would take more than 1 MiB; `nextCursor` goes on.
    """
    overload = overload_of(scope)
    async with overload.lists.take(overload.client(scope)):
        page = await read_sessions.page(
            SessionFilter(
                status=query.choice(SessionStatus, status, "status"),
                identity=query.name(Identity, user_identity),
                room_name=query.name(RoomName, room_name),
                created=query.span(since, until),
                tenants=access_of(scope).tenants,
            ),
            query.position(cursor),
            query.limit(limit),
            page_of(answer),
        )
    return SessionsResponse(
        sessions=[answer(session) for session in page.items],
        next_cursor=None if page.next is None else page.next.cursor,
    )


@get(
    "/sessions/{sessionId:str}",
    needs=READS,
    security=KEYED,
    hidden=True,
    tags=["sessions"],
    operation_class=Operation,
    summary="A session by its id (development, or with an API key)",
    responses=errors(
        REFUSALS
        | {
            400: "The request is malformed.",
            404: "There is no such session.",
            503: "The ledger is out of reach.",
        }
    ),
)
async def session_by_id(
    sessionId: IdPath,  # noqa: N803
    read_sessions: ReadSessions,
    scope: AsgiScope,
) -> SessionResponse:
    """The session as the ledger has it; LiveKit is not asked."""
    return answer(await read_sessions.by_id(sessionId, access_of(scope)))


@get(
    "/sessions/by-room/{roomName:path}",
    needs=READS,
    security=KEYED,
    hidden=True,
    tags=["sessions"],
    operation_class=Operation,
    summary="The newest session of a room (development, or with an API key)",
    responses=errors(
        REFUSALS
        | {
            400: "The request is malformed.",
            404: "There is no such session.",
            503: "The ledger is out of reach.",
        }
    ),
)
async def session_by_room(
    roomName: SessionRoom,  # noqa: N803
    read_sessions: ReadSessions,
    scope: AsgiScope,
) -> SessionResponse:
    """The session as the ledger has it; LiveKit is not asked."""
    return answer(await read_sessions.by_room(room_in_path(scope, roomName), access_of(scope)))
