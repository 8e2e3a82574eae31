"""What the OpenAPI document says of the routes of saved agents."""

from __future__ import annotations

from typing import Final

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body

from entrypoints.http.agents.schemas import AgentVersionsResponse
from entrypoints.http.openapi.document import HIDDEN, REFUSALS, errors, read_responses
from entrypoints.http.openapi.operation import linked, of_body, to
from entrypoints.http.requests.idempotency import AS_BEFORE, REPEATED
from entrypoints.presenters.agents import AgentResponse

_MISSING: Final = "There is no such agent."
_ID: Final = "01a2074e-8b46-7010-b8f8-28073a54b3a7"
_FIELDS: Final = {
    "name": "support",
    "agentName": "support-worker",
    "agentConfig": {
        "prompt": "You help customers of Acme. The customer is {{customer_name}}.",
        "greeting": "Hello {{customer_name}}!",
        "tools": ["look_up_order"],
    },
    "variables": {"customer_name": "there"},
    "description": "Answers questions about orders.",
}
_AGENT: Final = {
    "agentId": _ID,
    "version": 1,
    **_FIELDS,
    "createdAt": "2026-11-27T04:00:00.000Z",
    "latestVersion": 1,
    "updatedAt": "2026-11-27T04:00:00.000Z",
}
CREATE_BODY: Final = Body(
    examples=[
        Example(summary="The least", value={"name": "receptionist"}),
        Example(summary="A worker of its own, a variable and a tool", value=_FIELDS),
    ]
)
CHANGE_BODY: Final = Body(
    examples=[
        Example(
            summary="Another prompt, if version 1 is still active",
            value={"agentConfig": {"prompt": "You help customers of Acme."}, "version": 1},
        ),
    ]
)

_CONFLICT: Final = (
    "agent_name_taken",
    "There is already an agent named 'support'; choose another name or change that agent.",
    {"field": "name"},
)
_CHANGES: Final = REFUSALS | {
    400: "A value breaks a rule; `field` names it.",
    413: "The body or the agent's metadata is too large.",
    415: "The body is not sent as JSON.",
    503: "The ledger is out of reach.",
}


def _shown(description: str) -> ResponseSpec:
    return ResponseSpec(
        AgentResponse,
        description=description,
        generate_examples=False,
        examples=[Example(summary="An agent", value=_AGENT)],
    )


CREATE_RESPONSES: Final = {201: _shown(f"The new agent, with version 1. {AS_BEFORE}")} | errors(
    _CHANGES
    | REPEATED
    | {
        404: HIDDEN,
        409: "Another agent has this name (`agent_name_taken`), there are 1,000 agents "
        "(`agent_limit_reached`), or the first request with this Idempotency-Key is still being "
        "carried out.",
    },
    {409: _CONFLICT},
)
CHANGE_RESPONSES: Final = {200: _shown("The agent after the change.")} | errors(
    _CHANGES
    | {
        404: _MISSING,
        409: "Another agent has this name (`agent_name_taken`), another version is active than "
        "`version` says (`agent_changed`), or the agent has 1,000 versions "
        "(`agent_limit_reached`).",
    },
    {409: _CONFLICT},
)
ACTIVATE_RESPONSES: Final = {200: _shown("The agent with that version active.")} | errors(
    REFUSALS
    | {
        400: "The request is malformed.",
        404: "There is no such agent, or no such version of it.",
        409: "Another agent has the version's name (`agent_name_taken`).",
        503: "The ledger is out of reach.",
    },
    {409: _CONFLICT},
)
READ_RESPONSES: Final = {200: _shown("The agent.")} | read_responses(_MISSING)
DELETE_RESPONSES: Final = read_responses(_MISSING)
VERSION_RESPONSES: Final = {
    200: ResponseSpec(
        AgentVersionsResponse, description="A page of versions.", generate_examples=False
    )
} | read_responses(_MISSING)

_AGENT_ID: Final = of_body("agentId")
_NEXT: Final = {
    "agent": to("agentById", agentId=_AGENT_ID),
    "versions": to("agentVersions", agentId=_AGENT_ID),
    "change": to("changeAgent", agentId=_AGENT_ID),
    "activate": to("activateVersion", agentId=_AGENT_ID, version=of_body("version")),
    "delete": to("deleteAgent", agentId=_AGENT_ID),
}
CreateAgent = linked(201, **_NEXT)
ChangeAgent = linked(200, **_NEXT)
ActivateVersion = linked(200, **_NEXT)
AgentById = linked(200, **_NEXT)
ListAgents = linked(200, nextPage=to("listAgents", cursor=of_body("nextCursor")))
AgentVersions = linked(
    200,
    nextPage=to("agentVersions", agentId="$request.path.agentId", cursor=of_body("nextCursor")),
)
