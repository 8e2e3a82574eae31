"""GET /telephony/calls/…"""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.calls.call import Call, CallStatus, Precision
from domain.calls.read_calls import ReadCalls
from domain.calls.repository import CallFilter
from domain.rooms.sip_leg import Direction
from domain.shared.identifiers import RoomName
from domain.shared.timeline import Source
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.overload import overload_of, page_of
from entrypoints.http.openapi.document import HIDDEN, KEYED, REFUSALS, errors
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import (
    AnsweredAtIs,
    CallRoom,
    CallStatusQuery,
    CursorQuery,
    DirectionIs,
    DirectionQuery,
    FromQuery,
    Happening,
    IdPath,
    LimitQuery,
    RoomNameQuery,
    TimeQuery,
    Timestamp,
    ToQuery,
    Uuid,
)
from entrypoints.http.requests.room_path import room_in_path
from entrypoints.http.requests.times import rfc3339, rfc3339_or_none


class TimelineResponse(msgspec.Struct, kw_only=True):
    """One thing that happened to a call, and who told of it: a webhook, the reconciler or us."""

    at: Timestamp
    what: Happening
    source: Source


class CallResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A phone call as the ledger has it. Times are RFC 3339 in UTC with milliseconds.

    `from` and `to` are E.164 where they parse. `directionIs` is `assumed` where LiveKit does not
    report who called whom; then `from` is the other side's number.

    `answeredAtIs` is `exact` if `answeredAt` is the moment of the answer (null: there was none),
    `at_most` if it is a time by which the call had been answered, `unknown` if no answer was seen,
    which does not mean that there was none. `durationSeconds`, from the answer to the end, is
    `exact`, a bound (`at_least`, `at_most`) or `unknown` by `durationIs`.

    `sipCallIdFull` is the SIP Call-ID, `sipStatusCode` the SIP response that ended the call's
    set-up, `carrierCallId` the carrier's own id (such as Twilio's call SID); null if not reported.
    """

    call_id: Uuid
    session_id: Uuid | None
    room_name: str
    room_sid: str
    direction: Direction
    direction_is: DirectionIs
    from_number: str | None = msgspec.field(name="from")
    to_number: str | None = msgspec.field(name="to")
    trunk_id: str | None
    dispatch_rule_id: str | None
    sip_call_id: str | None
    sip_call_id_full: str | None
    sip_status_code: int | None
    carrier_call_id: str | None
    participant_identity: str
    status: CallStatus
    agent_dispatched: bool
    created_at: Timestamp
    answered_at: Timestamp | None
    answered_at_is: AnsweredAtIs
    ended_at: Timestamp | None
    duration_seconds: float | None
    duration_is: Precision | None
    disconnect_reason: str | None
    timeline: list[TimelineResponse]


class CallsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Calls, the newest first; `nextCursor` is the next page's `cursor`, null on the last one."""

    calls: list[CallResponse]
    next_cursor: str | None


def answer(call: Call) -> CallResponse:
    """``call`` as the contract shows it."""
    leg = call.leg
    return CallResponse(
        call_id=str(call.id),
        session_id=None if call.session_id is None else str(call.session_id),
        room_name=leg.room_name,
        room_sid=leg.room_sid,
        direction=leg.direction,
        direction_is="assumed" if leg.direction_assumed else "reported",
        from_number=leg.from_number,
        to_number=leg.to_number,
        trunk_id=leg.trunk_id,
        dispatch_rule_id=leg.dispatch_rule_id,
        sip_call_id=leg.sip_call_id,
        sip_call_id_full=leg.sip_call_id_full,
        sip_status_code=leg.sip_status_code,
        carrier_call_id=leg.carrier_call_id,
        participant_identity=leg.participant_identity,
        status=call.status,
        agent_dispatched=call.session_id is not None,
        created_at=rfc3339(call.created_at),
        answered_at=rfc3339_or_none(call.answered_at),
        answered_at_is=call.answered_at_is,
        ended_at=rfc3339_or_none(call.ended_at),
        duration_seconds=None if call.duration is None else call.duration.total_seconds(),
        duration_is=call.duration_is,
        disconnect_reason=call.disconnect_reason,
        timeline=[
            TimelineResponse(at=rfc3339(entry.at), what=entry.what, source=entry.source)
            for entry in call.timeline
        ],
    )


@get(
    "/telephony/calls",
    needs=(Scope.CALLS_READ,),
    security=KEYED,
    hidden=True,
    tags=["telephony"],
    operation_class=Operation,
    summary="Calls, the newest first (development, or with an API key)",
    responses=errors(
        REFUSALS
        | {
            400: "A filter is malformed; `field` names it.",
            404: HIDDEN,
            503: "The ledger is out of reach.",
        }
    ),
)
async def list_calls(  # noqa: PLR0913, PLR0917 - each filter is a parameter
    read_calls: ReadCalls,
    scope: AsgiScope,
    status: CallStatusQuery = None,
    direction: DirectionQuery = None,
    from_number: FromQuery = None,
    to_number: ToQuery = None,
    room_name: RoomNameQuery = None,
    since: TimeQuery = None,
    until: TimeQuery = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = None,
) -> CallsResponse:
    """Filters are combined. `since` (included) and `until` (not) bound `createdAt`.

    `from` and `to` may be written as shown (E.164, such as +15105550100) or as the carrier sent
    them. A page ends before `limit` where its items would take more than 1 MiB; `nextCursor` goes
    on.
    """
    overload = overload_of(scope)
    async with overload.lists.take(overload.client(scope)):
        page = await read_calls.page(
            CallFilter(
                status=query.choice(CallStatus, status, "status"),
                direction=query.choice(Direction, direction, "direction"),
                from_number=query.number(from_number, "from"),
                to_number=query.number(to_number, "to"),
                room_name=query.name(RoomName, room_name),
                created=query.span(since, until),
            ),
            access_of(scope),
            query.position(cursor),
            query.limit(limit),
            page_of(answer),
        )
    return CallsResponse(
        calls=[answer(call) for call in page.items],
        next_cursor=None if page.next is None else page.next.cursor,
    )


@get(
    "/telephony/calls/{callId:str}",
    needs=(Scope.CALLS_READ,),
    security=KEYED,
    hidden=True,
    tags=["telephony"],
    operation_class=Operation,
    summary="A call by its id (development, or with an API key)",
    responses=errors(
        REFUSALS
        | {
            400: "The request is malformed.",
            404: "There is no such call.",
            503: "The ledger is out of reach.",
        }
    ),
)
async def call_by_id(
    callId: IdPath,  # noqa: N803
    read_calls: ReadCalls,
    scope: AsgiScope,
) -> CallResponse:
    """The call as the ledger has it; LiveKit is not asked."""
    return answer(await read_calls.by_id(callId, access_of(scope)))


@get(
    "/telephony/calls/by-room/{roomName:path}",
    needs=(Scope.CALLS_READ,),
    security=KEYED,
    hidden=True,
    tags=["telephony"],
    operation_class=Operation,
    summary="The newest call of a room (development, or with an API key)",
    responses=errors(
        REFUSALS
        | {
            400: "The request is malformed.",
            404: "There is no such call.",
            503: "The ledger is out of reach.",
        }
    ),
)
async def call_by_room(
    roomName: CallRoom,  # noqa: N803
    read_calls: ReadCalls,
    scope: AsgiScope,
) -> CallResponse:
    """The call as the ledger has it; LiveKit is not asked."""
    return answer(await read_calls.by_room(room_in_path(scope, roomName), access_of(scope)))
