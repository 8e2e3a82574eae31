"""A saved agent, and a version of it, as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from domain.agents.agent import Agent, AgentVersion
from entrypoints.presenters.fields import Timestamp, Uuid
from entrypoints.presenters.times import rfc3339


class AgentVersionResponse(msgspec.Struct, rename="camel", kw_only=True):
    """One version of a saved agent, which never changes. Times are RFC 3339 in UTC.

    `agentName` is the worker's registration; null stands for the service's `AGENT_NAME`.
    `agentConfig` is as it was saved: defaults are filled in when a session begins. `variables` has
    the default of each variable; null: a session must give a value.
    """

    agent_id: Uuid
    version: int
    name: str
    agent_name: str | None
    agent_config: dict[str, Any]
    variables: dict[str, str | None]
    description: str
    created_at: Timestamp


class AgentResponse(AgentVersionResponse, rename="camel", kw_only=True):
    """A saved agent with its active version. Times are RFC 3339 in UTC with milliseconds.

    `version` is the active version, with which new sessions begin, and `latestVersion` the newest.
    `agentName` is the worker's registration; null stands for the service's `AGENT_NAME`.
    `agentConfig` is as it was saved: defaults are filled in when a session begins. `variables` has
    the default of each variable; null: a session must give a value.
    """

    latest_version: int
    updated_at: Timestamp


def agent_response(agent: Agent) -> AgentResponse:
    """Return ``agent`` as callers see it."""
    definition = agent.definition
    return AgentResponse(
        agent_id=str(agent.id),
        version=agent.version,
        name=definition.name,
        agent_name=definition.agent_name,
        agent_config=dict(definition.agent_config),
        variables=dict(definition.variables),
        description=definition.description,
        created_at=rfc3339(agent.created_at),
        latest_version=agent.latest,
        updated_at=rfc3339(agent.updated_at),
    )


def version_response(version: AgentVersion) -> AgentVersionResponse:
    """Return ``version`` as callers see it."""
    definition = version.definition
    return AgentVersionResponse(
        agent_id=str(version.agent_id),
        version=version.number,
        name=definition.name,
        agent_name=definition.agent_name,
        agent_config=dict(definition.agent_config),
        variables=dict(definition.variables),
        description=definition.description,
        created_at=rfc3339(version.created_at),
    )
