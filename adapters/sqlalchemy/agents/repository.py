"""Saved agents and their versions in a database."""

from __future__ import annotations

from typing import Any, Final

import attrs
from sqlalchemy import (
    Connection,
    Executable,
    Integer,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from adapters.sqlalchemy.agents.mapping import (
    agent_moves,
    agent_values,
    to_agent,
    to_version,
    version_values,
)
from adapters.sqlalchemy.agents.table import AGENT_IS_UNOWNED, LISTING, agent_versions, agents
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.page import page_of
from adapters.sqlalchemy.engine.write import Lock, Write
from adapters.sqlalchemy.events.resource_events import Change, ResourceEvents
from domain.access.access import Access, visible
from domain.agents.agent import MAX_VERSIONS, Agent, AgentVersion
from domain.events.announcer import Announcer
from domain.events.domain_event import EventKind
from domain.shared.identifiers import AgentId
from domain.shared.pagination import Cursor, Span

_GET: Final = select(agents).where(agents.c.id == bindparam("wanted"))
_IS_NAMED: Final = agents.c.name == bindparam("wanted_name")
_IS_OWNERS: Final = agents.c.tenant == bindparam("owner")
_NAMED_OWNED: Final = select(agents).where(_IS_NAMED, _IS_OWNERS)
_NAMED_UNOWNED: Final = select(agents).where(_IS_NAMED, AGENT_IS_UNOWNED)
_COUNT: Final = select(func.count()).select_from(agents)
_COUNT_OWNED: Final = _COUNT.where(_IS_OWNERS)
_COUNT_UNOWNED: Final = _COUNT.where(AGENT_IS_UNOWNED)
_OF_AGENT: Final = agent_versions.c.agent_id == bindparam("wanted")
_VERSION: Final = select(agent_versions).where(
    _OF_AGENT, agent_versions.c.number == bindparam("wanted_number")
)
_VERSIONS: Final = (
    select(agent_versions)
    .where(_OF_AGENT, agent_versions.c.number < bindparam("below"))
    .order_by(agent_versions.c.number.desc())
    .limit(bindparam("most", type_=Integer))
)
_ADD: Final[Executable] = insert(agents)
_ADD_VERSION: Final[Executable] = insert(agent_versions)
_SAVE: Final[Executable] = update(agents).where(
    agents.c.id == bindparam("saved_id"), agents.c.revision == bindparam("read_revision")
)
_DELETE: Final[Executable] = delete(agents).where(agents.c.id == bindparam("wanted"))
_DELETE_VERSIONS: Final[Executable] = delete(agent_versions).where(_OF_AGENT)


@attrs.frozen
class _All:
    created: Span = Span()


class SqlAgents:
    """Implements :class:`domain.agents.repository.AgentRepository`."""

    def __init__(self, database: Database, announcer: Announcer | None = None) -> None:
        self._database = database
        self._events = ResourceEvents(database, announcer)

    async def add(self, agent: Agent) -> None:
        """Store a new agent and its first version."""
        lock = ("agents", agent.definition.name)  # which another agent may be taking
        added = Write(_ADD, agent_values(agent), lock)
        change = _change(EventKind.AGENT_CREATED, agent)
        await self._events.write([added, _version_write(agent)], change)

    async def save(self, agent: Agent, *, adds_version: bool) -> Agent:
        """Store a change of an agent that was read at ``agent.revision``."""
        stored = attrs.evolve(agent, revision=agent.revision + 1)
        which = {"saved_id": agent.id.value, "read_revision": agent.revision}
        writes = [Write(_SAVE, agent_moves(stored) | which, _lock(agent))]
        if adds_version:
            writes.append(_version_write(stored))
        kind = EventKind.AGENT_UPDATED if adds_version else EventKind.AGENT_ACTIVATED
        await self._events.write(writes, _change(kind, stored))
        return stored

    async def get(self, agent_id: AgentId, access: Access) -> Agent | None:
        """Return the agent with this id, if visible."""
        return await self._first(_GET, {"wanted": agent_id.value}, access)

    async def named(self, name: str, tenant: str | None, access: Access) -> Agent | None:
        """Return the agent of ``tenant`` with this name, if visible."""
        if tenant is None:
            return await self._first(_NAMED_UNOWNED, {"wanted_name": name}, access)
        return await self._first(_NAMED_OWNED, {"wanted_name": name, "owner": tenant}, access)

    async def version(self, agent_id: AgentId, number: int, access: Access) -> AgentVersion | None:
        """Return one version of an agent, if visible."""
        values = {"wanted": agent_id.value, "wanted_number": number}
        rows = await self._database.read(_VERSION, values)
        return visible(to_version(rows[0]), access) if rows else None

    async def versions(
        self, agent_id: AgentId, below: int | None, limit: int, access: Access
    ) -> list[AgentVersion]:
        """Return the newest ``limit`` versions, of those with a number below ``below``."""
        end = MAX_VERSIONS + 1 if below is None else min(below, MAX_VERSIONS + 1)
        values = {"wanted": agent_id.value, "below": max(end, 0), "most": limit}
        found = map(to_version, await self._database.read_many(_VERSIONS, values))
        return [version for version in found if access.sees(version.tenant)]

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Agent]:
        """Return the newest ``limit`` visible agents, of those older than ``after``."""
        lateral = not self._database.embedded
        tenants = access.tenants
        query, values = page_of(LISTING, _All(), after, limit, tenants, lateral=lateral)
        return [to_agent(row) for row in await self._database.read_many(query, values)]

    async def count(self, tenant: str | None) -> int:
        """Return how many agents belong to ``tenant``."""
        if tenant is None:
            rows = await self._database.read_many(_COUNT_UNOWNED)
        else:
            rows = await self._database.read_many(_COUNT_OWNED, {"owner": tenant})
        return int(rows[0][0])

    async def delete(self, agent_id: AgentId, access: Access) -> bool:
        """Delete the agent and its versions, if visible."""
        agent = await self.get(agent_id, access)
        if agent is None:
            return False
        values = {"wanted": agent_id.value}

        def work(connection: Connection) -> tuple[bool, Change | None]:
            # The agent first: what changes it waits for that row, or has added its version before.
            is_deleted = connection.execute(_DELETE, values).rowcount == 1
            connection.execute(_DELETE_VERSIONS, values)
            return is_deleted, _change(EventKind.AGENT_DELETED, agent) if is_deleted else None

        return await self._events.transact(work, _lock(agent))

    async def _first(
        self, query: Select[Any], values: dict[str, str], access: Access
    ) -> Agent | None:
        rows = await self._database.read(query, values)
        return visible(to_agent(rows[0]), access) if rows else None


def _change(kind: EventKind, agent: Agent) -> Change:
    return Change(kind=kind, lane=agent.id.value, tenant=agent.tenant, resource=agent)


def _lock(agent: Agent) -> Lock:
    return "agents", agent.id.value


def _version_write(agent: Agent) -> Write:
    # Behind its agent in the order of locks: deleting an agent takes them in this order, too.
    lock = ("agents", agent.id.value, "version")
    return Write(_ADD_VERSION, version_values(agent.new_version), lock)
