"""The port to the saved agents."""

from __future__ import annotations

from typing import Protocol

from domain.access.access import Access
from domain.agents.agent import Agent, AgentVersion
from domain.shared.identifiers import AgentId
from domain.shared.pagination import Cursor


class AgentRepository(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def add(self, agent: Agent) -> None:
        """Store a new agent and its first version.

        Raises :class:`~domain.shared.errors.Conflict` if its tenant has one with this name.
        """
        ...

    async def save(self, agent: Agent, *, adds_version: bool) -> Agent:
        """Store a change of an agent that was read at ``agent.revision``.

        ``adds_version``: its active version is a new one, which is stored too. Returns it as the
        next reader sees it. Raises :class:`~domain.shared.errors.Conflict` if it has changed since,
        was deleted, or its tenant has another one with this name.
        """
        ...

    async def get(self, agent_id: AgentId, access: Access) -> Agent | None:
        """Return the agent with this id if it is visible to ``access``."""
        ...

    async def named(self, name: str, tenant: str | None, access: Access) -> Agent | None:
        """Return the agent of ``tenant`` whose active version has this name, if it is visible."""
        ...

    async def version(self, agent_id: AgentId, number: int, access: Access) -> AgentVersion | None:
        """Return one version of an agent if it is visible to ``access``."""
        ...

    async def versions(
        self, agent_id: AgentId, below: int | None, limit: int, access: Access
    ) -> list[AgentVersion]:
        """Return the newest ``limit`` versions, of those with a number below ``below``."""
        ...

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Agent]:
        """Return the newest ``limit`` visible agents, of those older than ``after``."""
        ...

    async def count(self, tenant: str | None) -> int:
        """Return how many agents belong to ``tenant`` (None: to no tenant)."""
        ...

    async def delete(self, agent_id: AgentId, access: Access) -> bool:
        """Delete the agent and its versions if it is visible; return whether it was."""
        ...
