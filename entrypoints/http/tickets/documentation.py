"""What the OpenAPI document says of the route of tickets."""

from __future__ import annotations

from typing import Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body

from entrypoints.http.openapi.document import REFUSALS, errors
from entrypoints.http.requests.idempotency import AS_BEFORE, REPEATED
from entrypoints.http.tickets.schemas import CreateTicketResponse

_AGENT: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
_CREATED: Final = {
    "ticket": "tk_01a2074e8b467010b8f828073a54b3a7_…",
    "ticketId": "01a2074e-8b46-7010-b8f8-28073a54b3a7",
    "expiresAt": "2026-11-23T06:28:37.123Z",
    "maxSessions": 1,
    "userIdentity": "user-42",
    "agentName": "shreya-obnox",
    "agentId": f"{_AGENT}@3",
}
CREATE_BODY: Final = Body(
    examples=[
        Example(summary="The least", value={}),
        Example(
            summary="A user and a saved agent",
            value={
                "userIdentity": "user-42",
                "agentId": _AGENT,
                "variables": {"customer_name": "Ann"},
            },
        ),
        Example(
            summary="Everything that a ticket may fix",
            value={
                "userIdentity": "user-42",
                "roomName": "support-7",
                "agentName": "shreya-obnox",
                "agentConfig": {"greeting": "Hello Ann!"},
                "participantName": "Ann Müller",
                "participantAttributes": {"plan": "pro"},
                "tokenTtlSeconds": 1800,
                "ttlSeconds": 30,
                "maxSessions": 3,
            },
        ),
    ]
)
CREATE_RESPONSES: Final = {
    201: ResponseSpec(
        CreateTicketResponse,
        description=f"Hand `ticket` to the user's browser. {AS_BEFORE}",
        generate_examples=False,
        examples=[Example(summary="Created", value=_CREATED)],
    ),
} | errors(
    REFUSALS
    | REPEATED
    | {
        400: "A value breaks a rule; `field` names it.",
        404: "There is no such saved agent, or version of it.",
        409: "The first request with this Idempotency-Key is still being carried out.",
        413: "The body or the agent's metadata is too large.",
        415: "The body is not sent as JSON.",
        429: "Too many requests, or 10,000 tickets that have not expired (`too_many_tickets`).",
        503: "The ledger is out of reach.",
    }
)
