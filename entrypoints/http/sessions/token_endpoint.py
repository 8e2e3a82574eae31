"""POST /livekit/token, LiveKit's standard token endpoint."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Router, post
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.access.client_grant import ClientGrant
from domain.sessions.issue_token import IssueToken, IssueTokenCommand
from domain.shared.identifiers import Identity, RoomName
from domain.tickets.redeem_ticket import RedeemTicket
from domain.tickets.ticket import Ticket
from entrypoints.container import Container
from entrypoints.http.middleware.access import access_of, grant_of
from entrypoints.http.middleware.request_log import note
from entrypoints.http.openapi.document import KEYED, REFUSALS, errors
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests.fields import NEW, SPACE
from entrypoints.http.routing import routes_of
from entrypoints.presenters.fields import documented

_NAME: Final = f"^{SPACE}({NEW}{SPACE})?$"

NewRoom = Annotated[
    str | None,
    documented(
        example=RoomName.example,
        pattern=_NAME,
        description="The room to join; a new one if absent.",
    ),
]
NewParticipant = Annotated[
    str | None,
    documented(
        example=Identity.example,
        description="The participant's identity; a new one if absent.",
    ),
]
ParticipantName = Annotated[
    str | None, documented(example="Ann Müller", description="The name that the room shows.")
]
Metadata = Annotated[
    str | None,
    documented(
        example='{"plan":"pro"}',
        description="The text of a JSON object. `TOKEN_PARTICIPANT_METADATA` lists its permitted "
        "keys; none unless set.",
    ),
]
Attributes = Annotated[
    dict[str, str] | None,
    documented(
        example={"plan": "pro"},
        description="`TOKEN_PARTICIPANT_ATTRIBUTES` lists the permitted names; none unless set.",
    ),
]
RoomConfig = Annotated[
    dict[str, Any] | None,
    documented(
        example={"agents": [{"agent_name": "shreya-obnox"}]},
        description="At most one of `agents`, by its `agent_name`: `AGENT_NAME`, or one of "
        "`TOKEN_AGENT_NAMES`. Its `metadata` may set those keys of `agentConfig` that "
        "`TOKEN_AGENT_METADATA` lists. Nothing else may be set.",
    ),
]


class IssueTokenRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What LiveKit's client SDKs send (`TokenSource.endpoint`). Every field is optional."""

    room_name: NewRoom = None
    participant_identity: NewParticipant = None
    participant_name: ParticipantName = None
    participant_metadata: Metadata = None
    participant_attributes: Attributes = None
    room_config: RoomConfig = None


class IssueTokenResponse(msgspec.Struct, kw_only=True):
    """Join `server_url` with `participant_token` within 10 minutes, or as a ticket says."""

    server_url: str
    participant_token: str


_ISSUED: Final = {
    "server_url": "wss://my-project.livekit.cloud",
    "participant_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ2aWRlbyI6e30sInN1YiI6InUifQ.sig",
}
_BODY: Final = Body(
    examples=[
        Example(summary="A new room for a new participant", value={}),
        Example(
            summary="Everything that may be set unless a setting permits more",
            value={
                "room_name": "support-7",
                "participant_identity": "user-42",
                "participant_name": "Ann Müller",
                "room_config": {"agents": [{"agent_name": "shreya-obnox"}]},
            },
        ),
    ]
)
_RESPONSES: Final = {
    201: ResponseSpec(
        IssueTokenResponse,
        description="Join `server_url` with `participant_token`.",
        examples=[Example(summary="Issued", value=_ISSUED)],
    ),
} | errors(
    REFUSALS
    | {
        400: "A value breaks a rule, or a client may not set it; `field` names it.",
        404: "The room is another tenant's, or was until a short time ago; or the saved agent of "
        "the publishable key or the ticket was deleted.",
        409: "Another request is still starting or ending this room's session.",
        413: "The body or the agent's metadata is too large.",
        415: "The body is not sent as JSON.",
        502: "LiveKit could not say whether another program has the room.",
        503: "The ledger is out of reach; nothing was stored.",
    }
)


def routes(container: Container) -> Router:
    """Return the route, with the use case that it calls."""
    return routes_of(
        TokenEndpointController,
        _issue_token=container.issue_token,
        _redeem_ticket=container.redeem_ticket,
    )


class TokenEndpointController(Controller):
    """Issue tokens to LiveKit's client SDKs."""

    tags = ("sessions",)
    security = KEYED

    _issue_token: IssueToken
    _redeem_ticket: RedeemTicket

    @post(
        "/livekit/token",
        needs=(Scope.SESSIONS_WRITE,),
        takes_clients=True,
        status_code=201,
        operation_class=Operation,
        summary="LiveKit's standard token endpoint",
        responses=_RESPONSES,
    )
    async def issue_token(
        self,
        data: Annotated[IssueTokenRequest, _BODY],
        scope: AsgiScope,
    ) -> IssueTokenResponse:
        """Return a token for LiveKit's client SDKs; its agent is dispatched once the user joins.

        A token that is not used costs nothing and ends as an abandoned session.
        """
        grant = grant_of(scope)
        command = IssueTokenCommand(
            room_name=data.room_name,
            participant_identity=data.participant_identity,
            participant_name=data.participant_name,
            participant_metadata=data.participant_metadata,
            participant_attributes=data.participant_attributes,
            room_config=data.room_config,
            access=access_of(scope),
            grant=grant if isinstance(grant, ClientGrant) else None,
        )
        if isinstance(grant, Ticket):
            issued = await self._redeem_ticket(grant, command)
        else:
            issued = await self._issue_token(command)
        session = issued.session
        note(scope, sessionId=str(session.id), roomName=str(session.room_name))
        return IssueTokenResponse(server_url=issued.livekit_url, participant_token=issued.token)
