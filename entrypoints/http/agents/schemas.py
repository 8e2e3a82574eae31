"""What requests and responses of saved agents have beside :mod:`entrypoints.presenters.agents`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import msgspec
from litestar.params import PathParameter

from domain.agents.agent import Agent, AgentVersion
from domain.agents.definition import MAX_DESCRIPTION, MAX_NAME
from domain.agents.variables import MAX_VALUE, MAX_VARIABLES, NAME_PATTERN
from domain.shared.errors import NotFound
from domain.shared.pagination import Page
from entrypoints.http.requests.fields import END, SPACE
from entrypoints.http.sessions.fields import AgentConfigValues
from entrypoints.presenters.agents import (
    AgentResponse,
    AgentVersionResponse,
    agent_response,
    version_response,
)
from entrypoints.presenters.fields import documented

_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_LABEL: Final = rf"^{SPACE}{END}([^\x00-\x1f\x7f]{{0,{MAX_NAME - 2}}}{END})?{SPACE}$"

Name = Annotated[str, documented(example="support", pattern=_LABEL, examples=["support"])]
AgentName = Annotated[
    str | None, documented(example="my-agent", pattern=_LABEL, examples=["my-agent"])
]
Description = Annotated[
    str | None,
    documented(example="Answers questions about orders.", max_length=MAX_DESCRIPTION),
]
VariableDefaults = Annotated[
    dict[str, Any] | None,
    documented(
        example={"customer_name": "there"},
        one_of=[
            {
                "type": "object",
                "maxProperties": MAX_VARIABLES,
                "propertyNames": {"pattern": f"^{NAME_PATTERN}$"},
                "additionalProperties": {"type": ["string", "null"], "maxLength": MAX_VALUE},
            },
            {"type": "null"},
        ],
    ),
]
ExpectedVersion = Annotated[
    Any,  # an int would also be taken from a string
    documented(example=1, one_of=[{"type": "integer", "minimum": 1}, {"type": "null"}]),
]
VersionPath = Annotated[
    str, PathParameter(schema_extra={"pattern": "^[1-9][0-9]{0,8}$", "examples": ["1"]})
]


class CreateAgentRequest(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """A new agent. ``name`` is unique within the tenant.

    ``prompt`` and ``greeting`` in ``agentConfig`` may contain ``{{variable}}``. ``variables`` has
    the default of each; null: a session must give a value.
    """

    name: Name
    agent_name: AgentName = None
    agent_config: AgentConfigValues = None
    variables: VariableDefaults = None
    description: Description = None


class ChangeAgentRequest(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """The fields to replace; null means a field's default. The result is a new, active version.

    ``version``: the active version that was read; the change is refused if it is another one.
    """

    name: Name | msgspec.UnsetType = msgspec.UNSET
    agent_name: AgentName | msgspec.UnsetType = msgspec.UNSET
    agent_config: AgentConfigValues | msgspec.UnsetType = msgspec.UNSET
    variables: VariableDefaults | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType = msgspec.UNSET
    version: ExpectedVersion = None


class AgentsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Agents, the newest first; `nextCursor` is the next page's `cursor`, null on the last one."""

    agents: list[AgentResponse]
    next_cursor: str | None


class AgentVersionsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """Versions, the newest first; `nextCursor` is the next page's `cursor`, null on the last."""

    versions: list[AgentVersionResponse]
    next_cursor: str | None


def fields_of(body: CreateAgentRequest | ChangeAgentRequest) -> dict[str, Any]:
    """Return the fields that the body has, by their names in JSON."""
    found = {field.encode_name: getattr(body, field.name) for field in msgspec.structs.fields(body)}
    return {
        name: value
        for name, value in found.items()
        if value is not msgspec.UNSET and name != "version"
    }


def version_in_path(raw: str) -> int:
    """Return the number of a version. Raises :class:`NotFound` for what is none."""
    if not _VERSION.fullmatch(raw):
        raise NotFound("There is no such version of the agent.", field="version")
    return int(raw)


def stored_response(agent: Agent) -> str:
    """Return the response as JSON text."""
    return msgspec.json.encode(agent_response(agent)).decode()


def repeated_response(text: str) -> AgentResponse:
    """Return what :func:`stored_response` wrote."""
    return msgspec.json.decode(text, type=AgentResponse)


def agents_response(page: Page[Agent]) -> AgentsResponse:
    """Return a page of agents."""
    return AgentsResponse(
        agents=[agent_response(agent) for agent in page.items],
        next_cursor=page.next_cursor,
    )


def versions_response(page: Page[AgentVersion]) -> AgentVersionsResponse:
    """Return a page of versions."""
    return AgentVersionsResponse(
        versions=[version_response(version) for version in page.items],
        next_cursor=page.next_cursor,
    )
