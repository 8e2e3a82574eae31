"""GET /inbox, GET /inbox/{eventId} and POST /inbox/{eventId}/replay"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Router, get, post
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.read_entries import InboxFilter, ReadEntries
from domain.inbox.replay_entries import ReplayEntries
from domain.shared.identifiers import LONGEST_ID, RoomName
from domain.shared.pagination import Page
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.administrative import ADMINISTRATIVE
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES, read_responses
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.http.requests import query
from entrypoints.http.requests.fields import (
    CursorQuery,
    LimitQuery,
    RoomNameQuery,
    query_parameter,
)
from entrypoints.http.requests.listed import listed
from entrypoints.http.routing import routes_of
from entrypoints.presenters.inbox import InboxEntryResponse, entry_response

NEEDS: Final = (Scope.ADMIN,)

EventPath = Annotated[str, PathParameter(schema_extra={"max_length": LONGEST_ID})]
StatusQuery = Annotated[str | None, query_parameter(enum=[*InboxStatus])]
RoomSidQuery = Annotated[
    str | None, query_parameter("roomSid", pattern=r"^[^\x00]*$", max_length=LONGEST_ID)
]

_ENTRY: Final[dict[str, Any]] = {
    "eventId": "EV_7SGcfDCBvSHo",
    "kind": "participant_joined",
    "roomName": "call-7",
    "roomSid": "RM_hycBMAjmt6Ub",
    "status": "dead",
    "receivedAt": "2026-11-27T04:00:00.000Z",
    "handledAt": None,
    "nextAttemptAt": None,
    "failures": 10,
    "outages": 0,
    "lastError": "LiveKit answered with the status 500.",
}


def _shown(description: str, value: dict[str, Any]) -> ResponseSpec:
    return ResponseSpec(
        InboxEntryResponse,
        description=description,
        generate_examples=False,
        examples=[Example(summary=description, value=value)],
    )


_BODY: Final = {"body": '{"event":"participant_joined","id":"EV_7SGcfDCBvSHo"}'}
_ID: Final = of_body("eventId")
_MISSING: Final = "There is no such event in the inbox."
ListInbox = linked(200, nextPage=to("listInbox", cursor=of_body("nextCursor")))
InboxEventById = linked(200, replay=to("replayInboxEvent", eventId=_ID))
ReplayInboxEvent = linked(202, event=to("inboxEventById", eventId=_ID))


class InboxResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Entries, the newest first; `nextCursor` is the next page's `cursor`, null on the last."""

    events: list[InboxEntryResponse]
    next_cursor: str | None


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(
        InboxEntriesController,
        _read_entries=container.read_entries,
        _replay_entries=container.replay_events,
    )


class InboxEntriesController(Controller):
    """Show LiveKit's webhooks and how they were processed; replay them."""

    path = "/inbox"
    tags = ("inbox",)
    security = KEYED
    opt = ADMINISTRATIVE

    _read_entries: ReadEntries
    _replay_entries: ReplayEntries

    @get(
        needs=NEEDS,
        hidden=True,
        operation_class=ListInbox,
        summary="LiveKit's webhooks, the newest first (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def list_inbox(  # noqa: PLR0913, PLR0917 - each filter is a parameter
        self,
        scope: AsgiScope,
        status: StatusQuery = None,
        room_name: RoomNameQuery = None,
        room_sid: RoomSidQuery = None,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> InboxResponse:
        """Those of a session or a call have its `roomName` and `roomSid`. `status=dead`: set aside.

        A page ends before `limit` where its items would take more than 1 MiB.
        """
        wanted = InboxFilter(
            status=query.choice(InboxStatus, status, "status"),
            room_name=query.name(RoomName, room_name),
            room_sid=query.livekit_id(room_sid, "roomSid"),
        )
        read = partial(self._read_entries.page, wanted)
        return _response(await listed(scope, read, cursor, limit, entry_response, any_id=True))

    @get(
        "/{eventId:str}",
        needs=NEEDS,
        hidden=True,
        operation_class=InboxEventById,
        summary="A webhook of LiveKit's with its body (development, or with an API key)",
        responses={200: _shown("The event.", _ENTRY | _BODY)} | read_responses(_MISSING),
    )
    async def inbox_event_by_id(
        self,
        eventId: EventPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
    ) -> InboxEntryResponse:
        """`body` is what LiveKit sent, as text."""
        found = await self._read_entries.by_id(eventId, access_of(scope))
        return entry_response(found, with_body=True)

    @post(
        "/{eventId:str}/replay",
        needs=NEEDS,
        hidden=True,
        status_code=202,
        operation_class=ReplayInboxEvent,
        summary="Process a webhook of LiveKit's again (development, or with an API key)",
        responses={202: _shown("The event, which is pending.", _ENTRY)} | read_responses(_MISSING),
    )
    async def replay_inbox_event(
        self,
        eventId: EventPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
    ) -> InboxEntryResponse:
        """As if it had just come in; one that is pending stays as it is. It is safe to repeat."""
        access = access_of(scope)
        await self._replay_entries([eventId], access)
        return entry_response(await self._read_entries.by_id(eventId, access))


def _response(page: Page[InboxEntry]) -> InboxResponse:
    return InboxResponse(
        events=[entry_response(entry) for entry in page.items],
        next_cursor=page.next_cursor,
    )
