"""Create, change, roll back, show and delete saved agents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs

from domain.access.access import Access, Scope
from domain.agents.agent import Agent, AgentVersion
from domain.agents.definition import AgentDefinition
from domain.agents.repository import AgentRepository
from domain.shared.agent_errors import AgentChanged, AgentLimitReached, AgentNameTaken
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, InvalidInput, NotFound
from domain.shared.identifiers import AgentId
from domain.shared.ids import IdGenerator
from domain.shared.look_up import look_up
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page

MAX_AGENTS: Final = 1000
"""Agents of one tenant; creating several at once can exceed it by these."""
MAX_ATTEMPTS: Final = 100
"""Of one change, when others change the same agent at the same time."""

_READS: Final = (Scope.AGENTS_READ, Scope.AGENTS_WRITE)


@attrs.frozen(kw_only=True)
class ManageAgents:
    """Change and show the saved agents that are visible to a request.

    Every method raises ``Forbidden`` without the scope ``agents:write`` (to read, ``agents:read``
    is enough), ``NotFound`` for an agent that is not visible, and ``StorageUnavailable``.
    """

    agents: AgentRepository
    clock: Clock
    ids: IdGenerator

    async def create(
        self, given: Mapping[str, Any], access: Access, agent_id: AgentId | None = None
    ) -> Agent:
        """Store a new agent, whose version 1 is active; ``agent_id``: its id, if it is decided.

        Raises ``InvalidInput``, ``MetadataTooLarge``, ``AgentNameTaken`` or ``AgentLimitReached``.
        """
        access.require(Scope.AGENTS_WRITE)
        now = self.clock.now()
        agent = Agent(
            id=agent_id or self.ids.agent_id(),
            definition=AgentDefinition.parse(given),
            created_at=now,
            updated_at=now,
            tenant=access.tenant,
        )
        await self._check_name(agent)
        if await self.agents.count(access.tenant) >= MAX_AGENTS:
            raise AgentLimitReached(
                f"There are {MAX_AGENTS} agents, which is the limit; delete one that is not used."
            )
        try:
            await self.agents.add(agent)
        except Conflict:
            raise _taken(agent) from None
        return agent

    async def change(
        self, agent_id: str, changes: Mapping[str, Any], version: int | None, access: Access
    ) -> Agent:
        """Replace the fields that ``changes`` names; null means the field's default.

        The result is a new version, which is active at once, unless nothing differs. ``version``
        is the active version that the caller has seen; None: any, so that of several changes at
        once each becomes a version. Raises ``InvalidInput``, ``MetadataTooLarge``,
        ``AgentNameTaken``, ``AgentChanged`` or ``AgentLimitReached``.
        """
        access.require(Scope.AGENTS_WRITE)
        if version is not None:
            _check_number(version)
        return await _stored(lambda: self._change(agent_id, changes, version, access))

    async def activate(self, agent_id: str, number: int, access: Access) -> Agent:
        """Make an earlier or later version the one that new sessions begin with.

        Raises ``AgentNameTaken`` if another agent has meanwhile taken the version's name.
        """
        access.require(Scope.AGENTS_WRITE)
        return await _stored(lambda: self._activate(agent_id, number, access))

    async def delete(self, agent_id: str, access: Access) -> None:
        """Delete the agent and its versions; sessions keep the configuration they began with."""
        access.require(Scope.AGENTS_WRITE)
        agent = await self._get(agent_id, access)
        if not await self.agents.delete(agent.id, access):
            raise NotFound("The agent was deleted by another request.", field="agentId")

    async def by_id(self, agent_id: str, access: Access) -> Agent:
        """Return the agent with its active version."""
        access.require(*_READS)
        return await self._get(agent_id, access)

    async def by_name(self, name: str, access: Access) -> Agent | None:
        """Return the agent of the request's own tenant that has this name; None if there is none.

        For ``apply``, which creates the agent that is missing.
        """
        access.require(*_READS)
        return await self.agents.named(name, access.tenant, access)

    async def page(
        self,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[Agent] | None = None,
    ) -> Page[Agent]:
        """Return the visible agents, newest first, of those after ``after``."""
        access.require(*_READS)
        return await read_page(partial(self.agents.page, access=access), after, limit, capacity)

    async def version(self, agent_id: str, number: int, access: Access) -> AgentVersion:
        """Return one version of an agent."""
        access.require(*_READS)
        return await self._version(await self._get(agent_id, access), number, access)

    async def versions(
        self,
        agent_id: str,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[AgentVersion] | None = None,
    ) -> Page[AgentVersion]:
        """Return the agent's versions, newest first, of those after ``after``."""
        access.require(*_READS)
        agent = await self._get(agent_id, access)

        async def read(position: Cursor | None, limit: int) -> list[AgentVersion]:
            below = None if position is None else AgentVersion.number_at(position)
            return await self.agents.versions(agent.id, below, limit, access)

        return await read_page(read, after, limit, capacity)

    async def _change(
        self, agent_id: str, changes: Mapping[str, Any], version: int | None, access: Access
    ) -> Agent:
        agent = await self._get(agent_id, access)
        if version is not None and version != agent.version:
            raise AgentChanged(
                f"The active version is {agent.version}, not {version}; read the agent again.",
                field="version",
            )
        definition = AgentDefinition.parse({**agent.definition.fields, **changes})
        if definition.is_same(agent.definition):
            return agent
        changed = agent.changed(definition, self.clock.now())
        return await self._save(changed, adds_version=True)

    async def _activate(self, agent_id: str, number: int, access: Access) -> Agent:
        agent = await self._get(agent_id, access)
        version = await self._version(agent, number, access)
        if number == agent.version:
            return agent
        activated = agent.activated(version, self.clock.now())
        return await self._save(activated, adds_version=False)

    async def _get(self, agent_id: str, access: Access) -> Agent:
        missing = "There is no agent with this id."
        find = partial(self.agents.get, access=access)
        return await look_up(agent_id, AgentId, find, missing=missing, field="agentId")

    async def _version(self, agent: Agent, number: int, access: Access) -> AgentVersion:
        _check_number(number)
        found = None
        if 1 <= number <= agent.latest:
            found = await self.agents.version(agent.id, number, access)
        if found is None:
            raise NotFound(
                f"The agent has no version {number}; its newest is {agent.latest}.", field="version"
            )
        return found

    async def _check_name(self, agent: Agent) -> None:
        name, tenant = agent.definition.name, agent.tenant
        owner = Access(tenant=tenant, scopes=frozenset(), sees_unowned=False)
        namesake = await self.agents.named(name, tenant, owner)
        if namesake is not None and namesake.id != agent.id:
            raise _taken(agent)

    async def _save(self, agent: Agent, *, adds_version: bool) -> Agent:
        await self._check_name(agent)
        return await self.agents.save(agent, adds_version=adds_version)


async def _stored(attempt: Callable[[], Awaitable[Agent]]) -> Agent:
    """Repeat ``attempt``, which reads the agent and changes it, until no other comes between."""
    for _ in range(MAX_ATTEMPTS):
        try:
            return await attempt()
        except Conflict:
            continue
    raise AgentChanged("Other requests keep changing this agent; try again.")


def _check_number(version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidInput("version must be a whole number.", field="version", example=1)


def _taken(agent: Agent) -> AgentNameTaken:
    return AgentNameTaken(
        f"There is already an agent named '{agent.definition.name}'; choose another name or change "
        "that agent.",
        field="name",
    )
