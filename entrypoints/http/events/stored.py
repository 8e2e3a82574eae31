"""GET /sessions/{sessionId}/events and /telephony/calls/{callId}/events"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec
from litestar import Controller, Router, get
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.calls.read_events import ReadEvents
from domain.events.domain_event import StoredEvent
from domain.shared.pagination import Page
from entrypoints.container import Container
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES, read_responses
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.http.requests.fields import CursorQuery, IdPath, LimitQuery
from entrypoints.http.requests.listed import listed
from entrypoints.http.routing import routes_of
from entrypoints.presenters.events import EventResponse, event_response

_NEXT: Final = of_body("nextCursor")
SessionEvents: Final = linked(200, nextPage=to("sessionEvents", cursor=_NEXT))
CallEvents: Final = linked(200, nextPage=to("callEvents", cursor=_NEXT))


class EventsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Events, the newest first; `nextCursor` is the next page's `cursor`, null on the last."""

    events: list[EventResponse]
    next_cursor: str | None


def routes(container: Container) -> Router:
    """Return the routes, with the use case that they call."""
    return routes_of(StoredEventsController, _read_events=container.read_events)


class StoredEventsController(Controller):
    """List the events of a session or a call."""

    tags = ("events",)
    security = KEYED

    _read_events: ReadEvents

    @get(
        "/sessions/{sessionId:str}/events",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=SessionEvents,
        summary="Events of a session, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES | read_responses("There is no such session."),
    )
    async def session_events(
        self,
        sessionId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> EventsResponse:
        """What is stored of the session, and of the phone call that it serves, by `sequence`.

        A page ends before `limit` where its items would take more than 1 MiB.
        """
        read = partial(self._read_events.of_session, sessionId)
        return _response(await listed(scope, read, cursor, limit, event_response))

    @get(
        "/telephony/calls/{callId:str}/events",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=CallEvents,
        summary="Events of a call, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES | read_responses("There is no such call."),
    )
    async def call_events(
        self,
        callId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> EventsResponse:
        """What is stored of the call, and of the session that serves it, by `sequence`.

        A page ends before `limit` where its items would take more than 1 MiB.
        """
        read = partial(self._read_events.of_call, callId)
        return _response(await listed(scope, read, cursor, limit, event_response))


def _response(page: Page[StoredEvent]) -> EventsResponse:
    return EventsResponse(
        events=[event_response(event) for event in page.items],
        next_cursor=page.next_cursor,
    )
