"""What requests and responses of tickets have."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from domain.shared.identifiers import Identity
from domain.tickets.create_ticket import (
    DEFAULT_TTL_SECONDS,
    MAX_SESSIONS,
    MAX_TTL_SECONDS,
    MIN_TTL_SECONDS,
)
from domain.tickets.ticket import Ticket
from entrypoints.http.sessions.fields import (
    AgentConfigValues,
    AgentIdOrVersion,
    NewRoomName,
    VariableValues,
)
from entrypoints.http.sessions.token_fields import TokenFields
from entrypoints.presenters.fields import Timestamp, Uuid, documented
from entrypoints.presenters.times import rfc3339

MaybeIdentity = Annotated[
    str | None, documented(example=Identity.example, examples=[Identity.example])
]
AgentName = Annotated[
    str | None,
    documented(
        example="shreya-obnox",
        description="`AGENT_NAME`, which is the default, or one of `TOKEN_AGENT_NAMES`. Not beside "
        "`agentId`.",
    ),
]


def _whole(least: int, most: int) -> dict[str, object]:
    return {"one_of": [{"type": "integer", "minimum": least, "maximum": most}, {"type": "null"}]}


_Number: TypeAlias = int | str | None  # a text is refused by the domain: msgspec would convert it
TtlSeconds = Annotated[
    _Number,
    documented(
        example=DEFAULT_TTL_SECONDS,
        description=f"How long the ticket is valid; {DEFAULT_TTL_SECONDS} if absent.",
        **_whole(MIN_TTL_SECONDS, MAX_TTL_SECONDS),
    ),
]
MaxSessions = Annotated[
    _Number,
    documented(
        example=1,
        description="How many sessions the ticket may begin, one after the other; 1 if absent.",
        **_whole(1, MAX_SESSIONS),
    ),
]


class CreateTicketRequest(TokenFields, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """What the ticket fixes. The fields are those of `POST /session`; every one is optional.

    ``roomName``: without it each session gets a new room. ``agentId``: a saved agent, at the
    version that is active now or at the one that ``id@version`` names.
    """

    user_identity: MaybeIdentity = None
    room_name: NewRoomName = None
    agent_name: AgentName = None
    agent_id: AgentIdOrVersion = None
    variables: VariableValues = None
    agent_config: AgentConfigValues = None
    ttl_seconds: TtlSeconds = None
    max_sessions: MaxSessions = None


class CreateTicketResponse(msgspec.Struct, rename="camel", kw_only=True):
    """A new ticket. `ticket` is a secret of the one user whom it is for.

    `agentId` is there for a saved agent, `roomName` if the ticket fixes one.
    """

    ticket: str
    ticket_id: Uuid
    expires_at: Timestamp
    max_sessions: int
    user_identity: str
    agent_name: str
    agent_id: str | msgspec.UnsetType = msgspec.UNSET
    room_name: str | msgspec.UnsetType = msgspec.UNSET


def ticket_response(ticket: Ticket, text: str) -> CreateTicketResponse:
    """Return a new ticket as the contract shows it."""
    terms = ticket.terms
    return CreateTicketResponse(
        ticket=text,
        ticket_id=str(ticket.id),
        expires_at=rfc3339(ticket.expires_at),
        max_sessions=ticket.max_sessions,
        user_identity=terms.user_identity,
        agent_name=terms.agent_name,
        agent_id=msgspec.UNSET if terms.agent is None else terms.agent,
        room_name=msgspec.UNSET if terms.room_name is None else terms.room_name,
    )


def stored_response(ticket: Ticket) -> str:
    """Return the JSON without the ticket's text, which is a secret."""
    return msgspec.json.encode(ticket_response(ticket, "")).decode()


def repeated_response(text: str, ticket: str) -> CreateTicketResponse:
    """Return what :func:`stored_response` made, with the ticket's text."""
    response = msgspec.json.decode(text, type=CreateTicketResponse)
    response.ticket = ticket
    return response
