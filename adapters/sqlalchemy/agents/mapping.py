"""Between the rows of saved agents and the domain's."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row

from adapters.sqlalchemy.mapping import unreadable_row
from domain.agents.agent import Agent, AgentVersion
from domain.agents.definition import AgentDefinition
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import AgentId


def agent_values(agent: Agent) -> dict[str, Any]:
    """The columns of ``agent``'s row."""
    return {
        "id": agent.id.value,
        "tenant": agent.tenant,
        "created_at": agent.created_at,
        **agent_moves(agent),
    }


def agent_moves(agent: Agent) -> dict[str, Any]:
    """The columns that change in an agent's life."""
    return {
        "name": agent.definition.name,
        "definition": agent.definition.text,
        "version": agent.version,
        "latest": agent.latest,
        "revision": agent.revision,
        "updated_at": agent.updated_at,
    }


def version_values(version: AgentVersion) -> dict[str, Any]:
    """The columns of ``version``'s row."""
    return {
        "agent_id": version.agent_id.value,
        "number": version.number,
        "tenant": version.tenant,
        "definition": version.definition.text,
        "created_at": version.created_at,
    }


def to_agent(row: Row[Any]) -> Agent:
    """The agent that ``row`` was made from. Raises ``StorageUnavailable`` for an unknown form."""
    try:
        return Agent(
            id=AgentId(row.id),
            tenant=row.tenant,
            definition=AgentDefinition.stored(json.loads(row.definition)),
            version=row.version,
            latest=row.latest,
            revision=row.revision,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
    except (ValueError, TypeError, AttributeError, InvalidInput):
        raise unreadable_row(f"agent {row.id}") from None


def to_version(row: Row[Any]) -> AgentVersion:
    """The version that ``row`` was made from. Raises as :func:`to_agent`."""
    try:
        return AgentVersion(
            agent_id=AgentId(row.agent_id),
            tenant=row.tenant,
            number=row.number,
            definition=AgentDefinition.stored(json.loads(row.definition)),
            created_at=row.created_at,
        )
    except (ValueError, TypeError, AttributeError, InvalidInput):
        raise unreadable_row(f"version {row.number} of agent {row.agent_id}") from None
