"""Choose a saved agent for a session."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import attrs

from domain.access.access import Access
from domain.agents.agent import MAX_VERSIONS
from domain.agents.agent_config import AgentConfig
from domain.agents.definition import AgentDefinition
from domain.agents.repository import AgentRepository
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.identifiers import AgentId

_UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_REFERENCE: Final = re.compile(rf"({_UUID})(?:@([1-9][0-9]{{0,8}}))?", re.ASCII)


@attrs.frozen
class AgentReference:
    """An agent, and the version of it if one is meant; else the active one is."""

    pattern: ClassVar[str] = f"{_UUID}(?:@[1-9][0-9]{{0,8}})?"
    example: ClassVar[str] = "01890a5d-ac96-774b-bcce-b302099a8057@3"

    agent_id: AgentId
    version: int | None = None

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Read ``id`` or ``id@version``. Raises :class:`InvalidInput` naming ``agentId``."""
        parts = _REFERENCE.fullmatch(raw) if isinstance(raw, str) else None
        if parts is None:
            raise InvalidInput(
                "agentId must be the id of a saved agent, or the id, '@' and a version's number.",
                field="agentId",
                example=cls.example,
            )
        return cls(AgentId(parts[1]), None if parts[2] is None else int(parts[2]))

    def __str__(self) -> str:
        return str(self.agent_id) if self.version is None else f"{self.agent_id}@{self.version}"


@attrs.frozen(kw_only=True)
class UseAgentCommand:
    """Which agent a session asks for, unchecked."""

    agent: str | None
    variables: Mapping[str, Any] | None = None
    agent_config: Mapping[str, Any] | None = None
    access: Access


@attrs.frozen(kw_only=True)
class ChosenAgent:
    """What the session keeps: the complete configuration, and a saved agent's version, if any.

    ``agent_name`` is the worker's registration; None: the deployment's ``AGENT_NAME``.
    """

    config: AgentConfig
    agent_id: AgentId | None = None
    version: int | None = None
    agent_name: str | None = None


@attrs.frozen
class UseAgent:
    """Read the version once and fill in its variables."""

    agents: AgentRepository

    async def __call__(self, command: UseAgentCommand) -> ChosenAgent:
        """Return the agent's configuration for one session.

        Raises ``InvalidInput`` and ``MetadataTooLarge`` naming the field, ``NotFound`` for an agent
        or a version that is not there or not visible, and ``StorageUnavailable``.
        """
        reference = AgentReference.parse(command.agent)
        AgentConfig.parse(command.agent_config).metadata()  # too large by itself: is not merged
        number, definition = await self._find(reference, command.access)
        return ChosenAgent(
            config=definition.configuration(command.variables, command.agent_config),
            agent_id=reference.agent_id,
            version=number,
            agent_name=definition.agent_name,
        )

    async def by_defaults(self, agent: str, access: Access) -> ChosenAgent:
        """Return what a session gets that gives no values. Raises as above."""
        return await self(UseAgentCommand(agent=agent, access=access))

    async def _find(self, reference: AgentReference, access: Access) -> tuple[int, AgentDefinition]:
        agent_id, number = reference.agent_id, reference.version
        if number is None:
            agent = await self.agents.get(agent_id, access)
            if agent is not None:
                return agent.version, agent.definition
        elif number <= MAX_VERSIONS:
            version = await self.agents.version(agent_id, number, access)
            if version is not None:
                return version.number, version.definition
        raise NotFound("There is no such agent or version of it.", field="agentId")
