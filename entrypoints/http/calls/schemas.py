"""What requests and responses of calls have beside :mod:`entrypoints.presenters.calls`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import PathParameter

from domain.calls.call import Call, CallStatus
from domain.calls.simulate_call import CALLED, CALLER, SimulatedCall
from domain.calls.simulate_call import NUMBER as SIMULATED
from domain.rooms.sip_leg import Direction
from domain.shared.pagination import Page
from entrypoints.http.requests.fields import NUMBER, PREFIX, query_parameter
from entrypoints.http.sessions.fields import LiveKitUrl
from entrypoints.presenters.calls import CallResponse, call_response
from entrypoints.presenters.fields import documented

CallRoom = Annotated[str, PathParameter(schema_extra={"examples": ["call-7"]})]
CallStatusQuery = Annotated[str | None, query_parameter(enum=list(CallStatus))]
DirectionQuery = Annotated[str | None, query_parameter(enum=list(Direction))]
FromQuery = Annotated[str | None, query_parameter("from", **NUMBER)]
ToQuery = Annotated[str | None, query_parameter("to", **NUMBER)]
SearchQuery = Annotated[
    str | None,
    query_parameter(
        "q",
        description="How a number, the room's name, the participant's identity, the SIP call id or "
        "the call's id begins, in upper and lower case as given. A number is also found by its "
        "digits, whatever is between them, after `+`, `00` or neither; an id by 8 characters or "
        "more.",
        **PREFIX,
    ),
]

Caller = Annotated[str, documented(example=CALLER, default=CALLER, pattern=f"^{SIMULATED}$")]
Called = Annotated[str, documented(example=CALLED, default=CALLED, pattern=f"^{SIMULATED}$")]
Trunk = Annotated[
    str | None,
    documented(
        example="ST_a1b2c3d4",
        one_of=[{"type": "string", "pattern": f"^{SIMULATED}$"}, {"type": "null"}],
    ),
]


class CallsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Calls, the newest first; `nextCursor` is the next page's `cursor`, null on the last one."""

    calls: list[CallResponse]
    next_cursor: str | None


def calls_response(page: Page[Call]) -> CallsResponse:
    """Return a page of calls as the contract shows it."""
    return CallsResponse(
        calls=[call_response(call) for call in page.items],
        next_cursor=page.next_cursor,
    )


class SimulateCallRequest(msgspec.Struct, rename="camel", kw_only=True):
    """Who calls which number, and by which trunk: a stored number may be that of one trunk."""

    from_number: Caller = msgspec.field(name="from", default=CALLER)
    to_number: Called = msgspec.field(name="to", default=CALLED)
    trunk_id: Trunk = None


class SimulatedCallResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What the phone joins with, within 10 minutes."""

    room_name: str
    participant_identity: str
    participant_token: str
    livekit_url: LiveKitUrl
    from_number: str = msgspec.field(name="from")
    to_number: str = msgspec.field(name="to")


def simulated_response(call: SimulatedCall) -> SimulatedCallResponse:
    """Return what a program needs to play the phone."""
    phone = call.phone
    return SimulatedCallResponse(
        room_name=str(phone.room_name),
        participant_identity=str(phone.identity),
        participant_token=call.token,
        livekit_url=call.livekit_url,
        from_number=phone.from_number,
        to_number=phone.to_number,
    )
