"""GET /sessions/{sessionId}/participants and /telephony/calls/{callId}/participants"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from litestar import Controller, Router, get
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.participants.read_participants import Participants, ReadParticipants
from entrypoints.container import Container
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES, read_responses
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.http.requests.fields import CursorQuery, IdPath, LimitQuery
from entrypoints.http.requests.listed import listed
from entrypoints.http.routing import routes_of
from entrypoints.presenters.participants import (
    ParticipantsResponse,
    participant_response,
    participants_response,
)

_NEXT: Final = of_body("nextCursor")
SessionParticipants: Final = linked(200, nextPage=to("sessionParticipants", cursor=_NEXT))
CallParticipants: Final = linked(200, nextPage=to("callParticipants", cursor=_NEXT))


def routes(container: Container) -> Router:
    """Return the routes, with the use case that they call."""
    return routes_of(ParticipantsController, _read_participants=container.read_participants)


class ParticipantsController(Controller):
    """List who is and was in the room of a session or a call."""

    tags = ("participants",)
    security = KEYED

    _read_participants: ReadParticipants

    @get(
        "/sessions/{sessionId:str}/participants",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=SessionParticipants,
        summary="Who is and was in a session's room (development, or with an API key)",
        responses=LIST_RESPONSES | read_responses("There is no such session."),
    )
    async def session_participants(
        self,
        sessionId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> ParticipantsResponse:
        """By LiveKit's webhooks, what LiveKit lists now unless all have left, and the ledger.

        The newest first. A participant that LiveKit lists is in the room, whatever else was
        reported.
        """
        read = partial(self._read_participants.of_session, sessionId)
        return await _listed(scope, read, cursor, limit)

    @get(
        "/telephony/calls/{callId:str}/participants",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=CallParticipants,
        summary="Who is and was in a call's room (development, or with an API key)",
        responses=LIST_RESPONSES | read_responses("There is no such call."),
    )
    async def call_participants(
        self,
        callId: IdPath,  # noqa: N803 - the name in the path
        scope: AsgiScope,
        cursor: CursorQuery = None,
        limit: LimitQuery = None,
    ) -> ParticipantsResponse:
        """By LiveKit's webhooks, what LiveKit lists now unless all have left, and the ledger.

        The newest first. A participant that LiveKit lists is in the room, whatever else was
        reported. The parties of another tenant's call in the same room are left out.
        """
        read = partial(self._read_participants.of_call, callId)
        return await _listed(scope, read, cursor, limit)


async def _listed(
    scope: AsgiScope,
    read: Callable[..., Awaitable[Participants]],
    cursor: str | None,
    limit: str | None,
) -> ParticipantsResponse:
    return participants_response(await listed(scope, read, cursor, limit, participant_response))
