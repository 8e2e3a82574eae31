"""Bring a saved agent to a definition that is kept elsewhere, such as in git."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

import attrs

from domain.access.access import Access
from domain.agents.agent import Agent
from domain.agents.definition import AgentDefinition
from domain.agents.manage_agents import ManageAgents
from domain.shared.agent_errors import AgentNameTaken

_ATTEMPTS: Final = 3
"""Another request may create an agent of this name, or delete it, at the same time."""


class ApplyOutcome(enum.StrEnum):
    """What applying a definition did."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@attrs.frozen
class AppliedAgent:
    """The agent as it is now, and what was done."""

    agent: Agent
    outcome: ApplyOutcome


@attrs.frozen
class ApplyAgent:
    """Create the agent of this name, or replace its definition if that differs."""

    manage_agents: ManageAgents

    async def __call__(self, given: Mapping[str, Any], access: Access) -> AppliedAgent:
        """Apply ``given``, which is what ``ManageAgents.create`` takes; absent fields are reset.

        The agent is looked for among those of ``access.tenant``. If nothing differs from the
        active version, there is no new version. Raises what ``ManageAgents`` raises.
        """
        name = AgentDefinition.parse(given).name
        for attempt in range(1, _ATTEMPTS + 1):
            agent = await self.manage_agents.by_name(name, access)
            if agent is not None:
                return await self._change(agent, given, access)
            try:
                created = await self.manage_agents.create(given, access)
            except AgentNameTaken:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return AppliedAgent(created, ApplyOutcome.CREATED)
        raise AssertionError  # the last attempt returns or raises

    async def _change(self, agent: Agent, given: Mapping[str, Any], access: Access) -> AppliedAgent:
        whole = {**dict.fromkeys(agent.definition.fields), **given}
        changed = await self.manage_agents.change(str(agent.id), whole, None, access)
        is_same = changed.latest == agent.latest
        return AppliedAgent(changed, ApplyOutcome.UNCHANGED if is_same else ApplyOutcome.CHANGED)
