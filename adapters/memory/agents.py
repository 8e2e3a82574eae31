"""Saved agents and their versions in the process's memory."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from adapters.memory.resource_events import ResourceEvents
from domain.access.access import Access, visible
from domain.agents.agent import Agent, AgentVersion
from domain.events.domain_event import EventKind
from domain.shared.errors import Conflict
from domain.shared.identifiers import AgentId
from domain.shared.pagination import Cursor


class MemoryAgents:
    """Implements :class:`domain.agents.repository.AgentRepository`."""

    def __init__(self, events: ResourceEvents | None = None) -> None:
        self._events = events or ResourceEvents()
        self._agents: dict[AgentId, Agent] = {}
        self._versions: dict[AgentId, dict[int, AgentVersion]] = {}

    async def add(self, agent: Agent) -> None:
        """Store a new agent and its first version."""
        if agent.id in self._agents:
            raise Conflict("There is an agent with this id.")
        self._check_name(agent)
        self._agents[agent.id] = agent
        self._versions[agent.id] = {agent.version: agent.new_version}
        self._announce(EventKind.AGENT_CREATED, agent)

    async def save(self, agent: Agent, *, adds_version: bool) -> Agent:
        """Store a change of an agent that was read at ``agent.revision``."""
        current = self._agents.get(agent.id)
        if current is None or current.revision != agent.revision:
            raise Conflict("Another request has changed this record since it was read.")
        self._check_name(agent)
        stored = attrs.evolve(agent, revision=agent.revision + 1)
        if adds_version:
            self._versions[agent.id][agent.version] = stored.new_version
        self._agents[agent.id] = stored
        self._announce(
            EventKind.AGENT_UPDATED if adds_version else EventKind.AGENT_ACTIVATED, stored
        )
        return stored

    async def get(self, agent_id: AgentId, access: Access) -> Agent | None:
        """Return the agent with this id, if visible."""
        return visible(self._agents.get(agent_id), access)

    async def named(self, name: str, tenant: str | None, access: Access) -> Agent | None:
        """Return the agent of ``tenant`` with this name, if visible."""
        found = (one for one in self._of(tenant) if one.definition.name == name)
        return visible(next(found, None), access)

    async def version(self, agent_id: AgentId, number: int, access: Access) -> AgentVersion | None:
        """Return one version of an agent, if visible."""
        return visible(self._versions.get(agent_id, {}).get(number), access)

    async def versions(
        self, agent_id: AgentId, below: int | None, limit: int, access: Access
    ) -> list[AgentVersion]:
        """Return the newest ``limit`` versions, of those with a number below ``below``."""
        found = self._versions.get(agent_id, {}).values()
        wanted = [
            one
            for one in found
            if access.sees(one.tenant) and (below is None or one.number < below)
        ]
        return sorted(wanted, key=lambda version: version.number, reverse=True)[:limit]

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Agent]:
        """Return the newest ``limit`` visible agents, of those older than ``after``."""
        end = None if after is None else (after.created_at, after.id)
        wanted = [
            agent
            for agent in self._agents.values()
            if access.sees(agent.tenant) and (end is None or agent.age < end)
        ]
        return sorted(wanted, key=lambda agent: agent.age, reverse=True)[:limit]

    async def count(self, tenant: str | None) -> int:
        """Return how many agents belong to ``tenant``."""
        return len([*self._of(tenant)])

    async def delete(self, agent_id: AgentId, access: Access) -> bool:
        """Delete the agent and its versions, if visible."""
        agent = visible(self._agents.get(agent_id), access)
        if agent is None:
            return False
        del self._agents[agent_id], self._versions[agent_id]
        self._announce(EventKind.AGENT_DELETED, agent)
        return True

    def _announce(self, kind: EventKind, agent: Agent) -> None:
        self._events.append(kind, agent, lane=agent.id.value, tenant=agent.tenant)

    def _of(self, tenant: str | None) -> Iterable[Agent]:
        return (agent for agent in self._agents.values() if agent.tenant == tenant)

    def _check_name(self, agent: Agent) -> None:
        name = agent.definition.name
        for one in self._of(agent.tenant):
            if one.id != agent.id and one.definition.name == name:
                raise Conflict("Another agent has this name.")
