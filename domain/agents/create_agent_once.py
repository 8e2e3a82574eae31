"""Create a saved agent once, however often its caller asks for it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from domain.access.access import Access, Scope
from domain.agents.agent import Agent
from domain.agents.definition import AgentDefinition
from domain.agents.manage_agents import ManageAgents
from domain.idempotency.idempotent_execution import Answered, IdempotentExecution
from domain.shared.errors import NotFound
from domain.shared.identifiers import AgentId, uuid_7_of


@attrs.frozen(kw_only=True)
class CreateAgentOnce:
    """``manage_agents.create``, once for each key of a tenant's."""

    idempotent_execution: IdempotentExecution
    manage_agents: ManageAgents

    async def __call__(
        self, key: str, given: Mapping[str, Any], access: Access, present: Callable[[Agent], str]
    ) -> Answered:
        """Return what ``present`` makes of the new agent, or made of it for the first request.

        Raises what ``ManageAgents.create`` and ``IdempotentExecution`` raise.
        """
        access.require(Scope.AGENTS_WRITE)

        async def first(number: uuid.UUID) -> str:
            return present(await self._create(given, access, AgentId(uuid_7_of(number))))

        asked = ["create agent", AgentDefinition.parse(given).fields]
        fingerprint = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        return await self.idempotent_execution(key, access, fingerprint, first)

    async def _create(self, given: Mapping[str, Any], access: Access, agent_id: AgentId) -> Agent:
        try:  # an earlier attempt with this key may have created it before it was interrupted
            return await self.manage_agents.by_id(str(agent_id), access)
        except NotFound:
            return await self.manage_agents.create(given, access, agent_id)
