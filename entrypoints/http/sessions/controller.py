"""POST /session, POST /session/end, GET /sessions/…"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from litestar import Controller, Response, Router, get, post
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.sessions.end_session import EndSession, EndSessionCommand
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.repository import SessionFilter
from domain.sessions.session_status import SessionStatus
from domain.sessions.start_session import StartSessionCommand
from domain.sessions.start_session_once import StartSessionOnce
from domain.shared.identifiers import Identity, RoomName
from domain.shared.livekit_errors import LiveKitError
from domain.shared.prefix import Prefix
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.request_log import note
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import (
    CursorQuery,
    IdPath,
    LimitQuery,
    RoomNameQuery,
    TimeQuery,
)
from entrypoints.http.requests.idempotency import IdempotencyKey, repeatable
from entrypoints.http.requests.listed import listed
from entrypoints.http.requests.path_rest import room_in_path
from entrypoints.http.routing import routes_of
from entrypoints.http.sessions import documentation
from entrypoints.http.sessions.fields import (
    IdentityQuery,
    SearchQuery,
    SessionRoom,
    SessionStatusQuery,
)
from entrypoints.http.sessions.schemas import (
    EndSessionRequest,
    SessionsResponse,
    StartSessionRequest,
    StartSessionResponse,
    repeated_response,
    sessions_response,
    started_response,
    stored_response,
)
from entrypoints.presenters.sessions import SessionResponse, session_response

READS: Final = (Scope.CALLS_READ, Scope.SESSIONS_WRITE)


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        SessionsController,
        _start_session=container.start_session_once,
        _end_session=container.end_session,
        _read_sessions=container.read_sessions,
    )


class SessionsController(Controller):
    """Start, end and read sessions."""

    tags = ("sessions",)
    security = KEYED

    _start_session: StartSessionOnce
    _end_session: EndSession
    _read_sessions: ReadSessions

    @post(
        "/session",
        needs=(Scope.SESSIONS_WRITE,),
        status_code=200,
        operation_class=documentation.StartSession,
        summary="Start a session, or join the one in that room",
        responses=documentation.START_RESPONSES,
    )
    async def start_session(
        self,
        data: Annotated[StartSessionRequest, documentation.START_BODY],
        scope: AsgiScope,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[StartSessionResponse]:
        """Mint a token for a user and see to it that exactly one agent is in the room.

        Posting again for a room whose session is live joins it: a token for that identity, the
        running session's id and configuration, and no second agent while one is there or on its way.
        """  # noqa: E501 - lines of the OpenAPI document
        command = StartSessionCommand(
            data.user_identity,
            data.room_name,
            data.configuration,
            access=access_of(scope),
            agent=data.agent_id,
            variables=data.variables,
            dispatch=data.dispatch,
            token=data.token_request,
        )
        replayed = False
        try:
            if idempotency_key is None:
                response = started_response(await self._start_session.start_session(command))
            else:
                done = await self._start_session(idempotency_key, command, stored_response)
                response, replayed = repeated_response(done.text, done.token), done.replayed
        except LiveKitError as error:
            error.details["agentDispatched"] = False
            raise
        note(scope, sessionId=response.session_id, roomName=response.room_name)
        return repeatable(response, replayed=replayed)

    @post(
        "/session/end",
        needs=(Scope.SESSIONS_WRITE,),
        # No forgery by another site's form: a key comes in a header, which only scripts can set.
        takes_beacons=True,
        status_code=204,
        operation_class=documentation.EndSession,
        summary="End a room and its session",
        responses=documentation.END_RESPONSES,
    )
    async def end_session(
        self,
        data: Annotated[EndSessionRequest, documentation.END_BODY],
        scope: AsgiScope,
    ) -> None:
        """Delete the LiveKit room and end its session. A room that is already gone is a success.

        JSON may also be sent as `text/plain` or without a content type, as `navigator.sendBeacon` does.
        """  # noqa: E501 - lines of the OpenAPI document
        note(scope, roomName=data.room_name)
        await self._end_session(EndSessionCommand(data.room_name, access_of(scope)))

    @get(
        "/sessions",
        needs=READS,
        hidden=True,
        operation_class=documentation.ListSessions,
        summary="Sessions, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def list_sessions(  # noqa: PLR0913, PLR0917 - each filter is a parameter
        self,
        scope: AsgiScope,
        status: SessionStatusQuery = None,
        user_identity: IdentityQuery = None,
        room_name: RoomNameQuery = None,
        q: SearchQuery = None,
        since: TimeQuery = None,
        until: TimeQuery = None,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> SessionsResponse:
        """Filters are combined. `since` (included) and `until` (not) bound `createdAt`.

        A page ends before `limit` where its items would take more than 1 MiB; `nextCursor` goes on.
        """
        wanted = SessionFilter(
            status=query.choice(SessionStatus, status, "status"),
            identity=query.name(Identity, user_identity),
            room_name=query.name(RoomName, room_name),
            prefix=Prefix.parse(q),
            created=query.span(since, until),
        )
        read = partial(self._read_sessions.page, wanted)
        return sessions_response(await listed(scope, read, cursor, limit, session_response))

    @get(
        "/sessions/{sessionId:str}",
        needs=READS,
        hidden=True,
        operation_class=documentation.SessionById,
        summary="A session by its id (development, or with an API key)",
        responses=documentation.READ_RESPONSES,
    )
    async def session_by_id(
        self,
        sessionId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> SessionResponse:
        """The session as the ledger has it; LiveKit is not asked."""
        return session_response(await self._read_sessions.by_id(sessionId, access_of(scope)))

    @get(
        "/sessions/by-room/{roomName:path}",
        needs=READS,
        hidden=True,
        operation_class=Operation,
        summary="The newest session of a room (development, or with an API key)",
        responses=documentation.READ_RESPONSES,
    )
    async def session_by_room(
        self,
        roomName: SessionRoom,  # noqa: N803
        scope: AsgiScope,
    ) -> SessionResponse:
        """The session as the ledger has it; LiveKit is not asked."""
        room = room_in_path(scope, roomName)
        return session_response(await self._read_sessions.by_room(room, access_of(scope)))
