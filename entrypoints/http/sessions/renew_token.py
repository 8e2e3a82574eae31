"""POST /session/token"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import Controller, Router, post
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.sessions.renew_token import RenewedToken, RenewToken, RenewTokenCommand
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.request_log import note
from entrypoints.http.openapi.document import KEYED, REFUSALS, errors
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.http.routing import routes_of
from entrypoints.http.sessions.fields import KnownRoomName, LiveKitUrl
from entrypoints.http.sessions.token_fields import TokenFields
from entrypoints.presenters.fields import Uuid


class RenewTokenRequest(TokenFields, rename="camel", kw_only=True):
    """The session by its id, its room, or both; and what its new token shall have.

    What the first token had beside the identity and the room is not stored: send it again.
    """

    session_id: Uuid | None = None
    room_name: KnownRoomName | None = None


class RenewTokenResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Join ``livekitUrl`` with ``userToken`` within 10 minutes, or within ``tokenTtlSeconds``."""

    user_token: str
    room_name: str
    livekit_url: LiveKitUrl
    session_id: Uuid


def renewed_response(renewed: RenewedToken) -> RenewTokenResponse:
    """Return what a frontend needs to join the room again."""
    return RenewTokenResponse(
        user_token=renewed.token,
        room_name=str(renewed.session.room_name),
        livekit_url=renewed.livekit_url,
        session_id=str(renewed.session.id),
    )


_RENEWED: Final = {
    "userToken": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ2aWRlbyI6e30sInN1YiI6InVzZXItNDIifQ.sig",
    "roomName": "support-7",
    "livekitUrl": "wss://my-project.livekit.cloud",
    "sessionId": "01a2074e-8b46-7010-b8f8-28073a54b3a7",
}
_BODY: Final = Body(
    examples=[
        Example(
            summary="By the session's id, for half an hour",
            value={"sessionId": _RENEWED["sessionId"], "tokenTtlSeconds": 1800},
        ),
        Example(summary="By its room", value={"roomName": "support-7"}),
    ]
)
_RESPONSES: Final = {
    200: ResponseSpec(
        RenewTokenResponse,
        description="Join `livekitUrl` with `userToken`.",
        examples=[Example(summary="Renewed", value=_RENEWED)],
    ),
} | errors(
    REFUSALS
    | {
        400: "A value breaks a rule; `field` names it. A phone call's session has no token.",
        404: "There is no such session.",
        409: "The session has ended: start another one. Or other requests are working on it: try "
        "again.",
        413: "The body is too large.",
        415: "The body is not sent as JSON.",
        503: "The ledger is out of reach.",
    },
    {
        409: ("session_ended", "This session has ended; start another one.", {}),
    },
)


def routes(container: Container) -> Router:
    """Return the route, with the use case that it calls."""
    return routes_of(TokenController, _renew_token=container.renew_token)


class TokenController(Controller):
    """Renew tokens."""

    tags = ("sessions",)
    security = KEYED

    _renew_token: RenewToken

    @post(
        "/session/token",
        needs=(Scope.SESSIONS_WRITE,),
        status_code=200,
        operation_class=linked(200, session=to("sessionById", sessionId=of_body("sessionId"))),
        summary="Renew the token of a live session's user",
        responses=_RESPONSES,
    )
    async def renew_token(
        self,
        data: Annotated[RenewTokenRequest, _BODY],
        scope: AsgiScope,
    ) -> RenewTokenResponse:
        """Return a token with the identity and the grants of the session's first one.

        It makes no room and dispatches no agent. Another user of the room gets a new token by
        `POST /session` with the room's name.
        """
        command = RenewTokenCommand(
            session_id=data.session_id,
            room_name=data.room_name,
            access=access_of(scope),
            token=data.token_request,
        )
        response = renewed_response(await self._renew_token(command))
        note(scope, sessionId=response.session_id, roomName=response.room_name)
        return response
