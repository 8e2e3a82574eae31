"""GET /telephony/calls/…"""

from __future__ import annotations

from functools import partial

from litestar import Controller, Router, get
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.calls.call import CallStatus
from domain.calls.read_calls import ReadCalls
from domain.calls.repository import CallFilter
from domain.rooms.sip_leg import Direction
from domain.shared.identifiers import RoomName
from domain.shared.prefix import Prefix
from entrypoints.container import Container
from entrypoints.http.calls.documentation import (
    READ_RESPONSES,
    CallById,
    CallByRoom,
    ListCalls,
)
from entrypoints.http.calls.schemas import (
    CallRoom,
    CallsResponse,
    CallStatusQuery,
    DirectionQuery,
    FromQuery,
    SearchQuery,
    ToQuery,
    calls_response,
)
from entrypoints.http.middleware.access import access_of
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import (
    CursorQuery,
    IdPath,
    LimitQuery,
    RoomNameQuery,
    TimeQuery,
)
from entrypoints.http.requests.listed import listed
from entrypoints.http.requests.path_rest import room_in_path
from entrypoints.http.routing import routes_of
from entrypoints.presenters.calls import CallResponse, call_response


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(CallsController, _read_calls=container.read_calls)


class CallsController(Controller):
    """Read phone calls."""

    path = "/telephony/calls"
    tags = ("telephony",)
    security = KEYED

    _read_calls: ReadCalls

    @get(
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=ListCalls,
        summary="Calls, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def list_calls(  # noqa: PLR0913, PLR0917 - each filter is a parameter
        self,
        scope: AsgiScope,
        status: CallStatusQuery = None,
        direction: DirectionQuery = None,
        from_number: FromQuery = None,
        to_number: ToQuery = None,
        room_name: RoomNameQuery = None,
        q: SearchQuery = None,
        since: TimeQuery = None,
        until: TimeQuery = None,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> CallsResponse:
        """Filters are combined. `since` (included) and `until` (not) bound `createdAt`.

        `from` and `to` may be written as shown (E.164, such as +15105550100) or as the carrier sent
        them. A page ends before `limit` where its items would take more than 1 MiB; `nextCursor` goes
        on.
        """  # noqa: E501 - lines of the OpenAPI document
        wanted = CallFilter(
            status=query.choice(CallStatus, status, "status"),
            direction=query.choice(Direction, direction, "direction"),
            from_number=query.number(from_number, "from"),
            to_number=query.number(to_number, "to"),
            room_name=query.name(RoomName, room_name),
            prefix=Prefix.parse(q),
            created=query.span(since, until),
        )
        read = partial(self._read_calls.page, wanted)
        return calls_response(await listed(scope, read, cursor, limit, call_response))

    @get(
        "/{callId:str}",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=CallById,
        summary="A call by its id (development, or with an API key)",
        responses=READ_RESPONSES,
    )
    async def call_by_id(
        self,
        callId: IdPath,  # noqa: N803
        scope: AsgiScope,
    ) -> CallResponse:
        """The call as the ledger has it; LiveKit is not asked."""
        return call_response(await self._read_calls.by_id(callId, access_of(scope)))

    @get(
        "/by-room/{roomName:path}",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=CallByRoom,
        summary="The newest call of a room (development, or with an API key)",
        responses=READ_RESPONSES,
    )
    async def call_by_room(
        self,
        roomName: CallRoom,  # noqa: N803
        scope: AsgiScope,
    ) -> CallResponse:
        """The call as the ledger has it; LiveKit is not asked."""
        room = room_in_path(scope, roomName)
        return call_response(await self._read_calls.by_room(room, access_of(scope)))
