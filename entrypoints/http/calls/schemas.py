"""What requests and responses of calls have beside :mod:`entrypoints.presenters.calls`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import PathParameter

from domain.calls.call import Call, CallStatus
from domain.rooms.sip_leg import Direction
from domain.shared.pagination import Page
from entrypoints.http.requests.fields import NUMBER, query_parameter
from entrypoints.presenters.calls import CallResponse, call_response

CallRoom = Annotated[str, PathParameter(schema_extra={"examples": ["call-7"]})]
CallStatusQuery = Annotated[str | None, query_parameter(enum=list(CallStatus))]
DirectionQuery = Annotated[str | None, query_parameter(enum=list(Direction))]
FromQuery = Annotated[str | None, query_parameter("from", **NUMBER)]
ToQuery = Annotated[str | None, query_parameter("to", **NUMBER)]


class CallsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Calls, the newest first; `nextCursor` is the next page's `cursor`, null on the last one."""

    calls: list[CallResponse]
    next_cursor: str | None


def calls_response(page: Page[Call]) -> CallsResponse:
    """Return a page of calls as the contract shows it."""
    return CallsResponse(
        calls=[call_response(call) for call in page.items],
        next_cursor=None if page.next is None else page.next.cursor,
    )
