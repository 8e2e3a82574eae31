"""What the port says of saved agents, one sentence after another."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import attrs
import pytest
import uuid_utils
from sqlalchemy import Connection, update

from adapters.sqlalchemy.agents.table import agent_versions
from adapters.sqlalchemy.agents.table import agents as agents_table
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.agents.agent import Agent
from domain.agents.definition import AgentDefinition
from domain.agents.repository import AgentRepository
from domain.shared.errors import Conflict, Unreadable
from domain.shared.identifiers import AgentId
from domain.shared.pagination import Cursor
from tests.contract.storage.ledgers import NOON, access_of, opened

LATER = NOON + timedelta(hours=1)
ANN, BEN = access_of("ann"), access_of("ben")


def new_agent(name: str = "support", **changes: Any) -> Agent:
    """An agent that nobody has stored."""
    values: dict[str, Any] = {
        "id": AgentId(str(uuid_utils.uuid7())),
        "definition": named(name),
        "created_at": NOON,
        "updated_at": NOON,
        "tenant": "ann",
    }
    return Agent(**(values | changes))


def named(name: str, text: str = "Hello {{a}}\0 ü") -> AgentDefinition:
    return AgentDefinition.parse(
        {
            "name": name,
            "agentName": "worker",
            "agentConfig": {"prompt": text, "mine": {"z": [1, True, None], "a": 1.5}},
            "variables": {"a": None, "b": "default"},
            "description": "d",
        }
    )


async def test_an_agent_is_read_as_it_was_stored(agents: AgentRepository) -> None:
    agent = new_agent()

    await agents.add(agent)

    assert await agents.get(agent.id, ANN) == agent
    assert await agents.named("support", "ann", ANN) == agent
    assert await agents.version(agent.id, 1, ANN) == agent.new_version
    assert await agents.versions(agent.id, None, 10, ANN) == [agent.new_version]
    assert await agents.page(None, 10, ANN) == [agent]
    assert await agents.count("ann") == 1
    found = await agents.get(agent.id, ANN)
    assert found is not None
    assert found.definition.text == agent.definition.text  # with the order of its keys


async def test_versions_that_are_read_at_the_same_time_are_each_reader_s_own(
    agents: AgentRepository,
) -> None:
    """PostgreSQL reads them in one statement."""
    first, second = new_agent(), new_agent("sales", tenant="ben")
    await agents.add(first)
    await agents.add(second)
    await agents.save(second.changed(named("sales", "b"), LATER), adds_version=True)
    wanted = [(first, 1), (second, 2), (first, 1), (first, 2), (second, 1), (second, 2)] * 3

    for _ in range(3):  # a statement for many is made once the query has been asked before
        found = await asyncio.gather(
            *(agents.version(agent.id, number, SYSTEM) for agent, number in wanted)
        )

        assert [each and (each.agent_id, each.number) for each in found] == [
            None if (agent, number) == (first, 2) else (agent.id, number)
            for agent, number in wanted
        ]


async def test_versions_are_kept_as_they_were(agents: AgentRepository) -> None:
    agent = new_agent()
    await agents.add(agent)

    changed = agent.changed(named("support", "b"), LATER)
    second = await agents.save(changed, adds_version=True)
    version = await agents.version(agent.id, 1, ANN)
    assert version is not None
    back = await agents.save(second.activated(version, LATER), adds_version=False)

    assert await agents.get(agent.id, ANN) == back
    assert (back.version, back.latest, back.definition) == (1, 2, agent.definition)
    assert await agents.versions(agent.id, None, 10, ANN) == [
        second.new_version,
        agent.new_version,
    ]
    assert await agents.versions(agent.id, 2, 10, ANN) == [agent.new_version]
    assert await agents.versions(agent.id, None, 1, ANN) == [second.new_version]
    assert await agents.versions(agent.id, 0, 10, ANN) == []
    assert await agents.version(agent.id, 3, ANN) is None


async def test_given_a_change_since_it_was_read_then_it_is_not_saved(
    agents: AgentRepository,
) -> None:
    agent = new_agent()
    await agents.add(agent)
    stored = await agents.save(agent.changed(named("support", "b"), LATER), adds_version=True)

    for adds_version in (True, False):
        with pytest.raises(Conflict):
            await agents.save(
                agent.changed(named("support", "c"), LATER), adds_version=adds_version
            )

    assert await agents.get(agent.id, ANN) == stored
    assert len(await agents.versions(agent.id, None, 10, ANN)) == 2


async def test_a_name_is_taken_once_by_each_tenant(agents: AgentRepository) -> None:
    agent, other = new_agent(), new_agent("sales")
    for one in (agent, other, new_agent(tenant="ben"), new_agent(tenant=None)):
        await agents.add(one)

    for tenant in ("ann", None):
        refused = new_agent(tenant=tenant)
        with pytest.raises(Conflict):
            await agents.add(refused)
        assert await agents.get(refused.id, SYSTEM) is None
        assert await agents.versions(refused.id, None, 10, SYSTEM) == []
    with pytest.raises(Conflict):
        await agents.save(other.changed(named("support"), LATER), adds_version=True)
    assert await agents.get(other.id, ANN) == other
    assert [await agents.count(tenant) for tenant in ("ann", "ben", None, "x")] == [2, 1, 1, 0]


async def test_other_tenants_see_nothing_of_it(agents: AgentRepository) -> None:
    agent, unowned = new_agent(), new_agent(tenant=None)
    await agents.add(agent)
    await agents.add(unowned)

    for one in (agent, unowned):
        assert await agents.get(one.id, BEN) is None
        assert await agents.named("support", one.tenant, BEN) is None
        assert await agents.version(one.id, 1, BEN) is None
        assert await agents.versions(one.id, None, 10, BEN) == []
        assert not await agents.delete(one.id, BEN)
    assert await agents.page(None, 10, BEN) == []
    assert await agents.page(None, 10, ANN) == [agent]
    both = {one.id for one in await agents.page(None, 10, access_of("ann", sees_unowned=True))}
    assert both == {agent.id, unowned.id}
    assert len(await agents.page(None, 10, SYSTEM)) == 2


async def test_pages_are_newest_first(agents: AgentRepository) -> None:
    stored = [new_agent(f"a{n}", created_at=NOON + n * timedelta(minutes=1)) for n in range(5)]
    for agent in stored:
        await agents.add(agent)
    newest = stored[::-1]

    for access in (ANN, SYSTEM):
        assert await agents.page(None, 2, access) == newest[:2]
        assert await agents.page(Cursor(*newest[1].age), 2, access) == newest[2:4]
        assert await agents.page(Cursor(*newest[3].age), 2, access) == newest[4:]
        assert await agents.page(Cursor(*newest[4].age), 2, access) == []


async def test_a_deleted_agent_leaves_nothing(agents: AgentRepository) -> None:
    agent = new_agent()
    await agents.add(agent)
    stored = await agents.save(agent.changed(named("support", "b"), LATER), adds_version=True)

    assert await agents.delete(agent.id, ANN)

    assert not await agents.delete(agent.id, ANN)
    assert await agents.get(agent.id, SYSTEM) is None
    assert await agents.versions(agent.id, None, 10, SYSTEM) == []
    with pytest.raises(Conflict):
        await agents.save(stored.changed(named("support", "c"), LATER), adds_version=True)
    assert await agents.versions(agent.id, None, 10, SYSTEM) == []
    await agents.add(new_agent())


async def test_of_changes_at_once_one_is_stored(database_url: str) -> None:
    async with opened(database_url) as one, opened(database_url) as other:
        replicas = [one.agents] if database_url == "memory://" else [one.agents, other.agents]
        agent = new_agent()
        await replicas[0].add(agent)

        outcomes = await asyncio.gather(
            *(
                replicas[n % len(replicas)].save(
                    agent.changed(named("support", f"text {n}"), LATER), adds_version=True
                )
                for n in range(8)
            ),
            return_exceptions=True,
        )

        (stored,) = [each for each in outcomes if isinstance(each, Agent)]
        assert sum(isinstance(each, Conflict) for each in outcomes) == 7
        assert await replicas[-1].get(agent.id, SYSTEM) == stored
        versions = await replicas[-1].versions(agent.id, None, 10, SYSTEM)
        assert versions == [stored.new_version, agent.new_version]


async def test_of_agents_with_one_name_at_once_one_is_stored(agents: AgentRepository) -> None:
    for tenant in ("ann", None):
        several = [attrs.evolve(new_agent(), tenant=tenant) for _ in range(8)]

        outcomes = await asyncio.gather(
            *(agents.add(agent) for agent in several), return_exceptions=True
        )

        assert outcomes.count(None) == 1
        assert sum(isinstance(each, Conflict) for each in outcomes) == 7
        assert await agents.count(tenant) == 1


@pytest.mark.parametrize("definition", ["no JSON", "[]", "{}", '{"agentName": "worker"}'])
async def test_given_a_row_that_this_version_cannot_read_then_the_error_names_the_agent(
    sql_url: str, definition: str
) -> None:
    agent = new_agent()

    def spoil(connection: Connection) -> None:
        connection.execute(update(agents_table).values(definition=definition))
        connection.execute(update(agent_versions).values(definition=definition))

    async with opened(sql_url) as ledger:
        assert isinstance(ledger, SqlStorage)
        await ledger.agents.add(agent)
        await ledger.database.transact(spoil)

        with pytest.raises(Unreadable, match=f"agent {agent.id}"):
            await ledger.agents.get(agent.id, SYSTEM)
        with pytest.raises(Unreadable, match=f"version 1 of agent {agent.id}"):
            await ledger.agents.version(agent.id, 1, SYSTEM)
