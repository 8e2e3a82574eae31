"""A saved agent and its versions."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

import attrs

from domain.agents.definition import AgentDefinition
from domain.shared.agent_errors import AgentLimitReached
from domain.shared.identifiers import AgentId
from domain.shared.pagination import Cursor

MAX_VERSIONS: Final = 1000


@attrs.frozen(kw_only=True)
class AgentVersion:
    """One immutable version of an agent, numbered from 1. Times are UTC."""

    agent_id: AgentId
    number: int
    definition: AgentDefinition
    created_at: datetime
    tenant: str | None = None

    @property
    def age(self) -> tuple[datetime, str]:
        """Return its place in a list, as of records whose id is a UUID."""
        return self.created_at, str(uuid.UUID(int=self.number))

    @staticmethod
    def number_at(position: Cursor) -> int:
        """Return the number of the version whose :attr:`age` is ``position``."""
        return uuid.UUID(position.id).int


@attrs.frozen(kw_only=True)
class Agent:
    """A saved agent with its active version's definition. Times are UTC.

    ``version`` is the active version's number, ``latest`` the newest one's. ``revision`` counts the
    changes of this record, for optimistic locking.
    """

    id: AgentId
    definition: AgentDefinition
    created_at: datetime
    updated_at: datetime
    tenant: str | None = None
    version: int = 1
    latest: int = 1
    revision: int = 1

    @property
    def age(self) -> tuple[datetime, str]:
        """When it was created, and its id."""
        return self.created_at, self.id.value

    @property
    def new_version(self) -> AgentVersion:
        """Return the active version as it is stored, where the last change has added it."""
        return AgentVersion(
            agent_id=self.id,
            number=self.version,
            definition=self.definition,
            created_at=self.updated_at,
            tenant=self.tenant,
        )

    def changed(self, definition: AgentDefinition, at: datetime) -> Agent:
        """Return the agent with one more version, which is active.

        Raises :class:`~domain.shared.agent_errors.AgentLimitReached`.
        """
        if self.latest >= MAX_VERSIONS:
            raise AgentLimitReached(
                f"This agent has {MAX_VERSIONS} versions, which is the limit; create another agent."
            )
        number = self.latest + 1
        return attrs.evolve(
            self, definition=definition, updated_at=at, version=number, latest=number
        )

    def activated(self, version: AgentVersion, at: datetime) -> Agent:
        """Return the agent with ``version`` active; no version is added."""
        return attrs.evolve(
            self, definition=version.definition, updated_at=at, version=version.number
        )
