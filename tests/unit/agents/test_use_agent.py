"""A session begins with one version of a saved agent."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.memory.agents import MemoryAgents
from domain.access.access import SYSTEM, WORK, Access
from domain.agents.agent import Agent
from domain.agents.manage_agents import ManageAgents
from domain.agents.use_agent import UseAgent, UseAgentCommand
from domain.shared.errors import InvalidInput, NotFound
from tests.unit.worlds.fakes import FakeClock, SequentialIds

STRANGER = Access(tenant="ben", scopes=WORK, sees_unowned=False)


@pytest.fixture
def manage() -> ManageAgents:
    return ManageAgents(agents=MemoryAgents(), clock=FakeClock(), ids=SequentialIds())


@pytest.fixture
async def agent(manage: ManageAgents) -> Agent:
    """Version 2 is active."""
    given = {
        "name": "support",
        "agentConfig": {"prompt": "Hello {{name}}."},
        "variables": {"name": "you"},
    }
    created = await manage.create(given, SYSTEM)
    changes = {"agentName": "second", "agentConfig": {"prompt": "Hi {{name}}."}}
    return await manage.change(str(created.id), changes, None, SYSTEM)


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        ("", (2, "second", "Hi Ann.")),
        ("@2", (2, "second", "Hi Ann.")),
        ("@1", (1, None, "Hello Ann.")),
    ],
)
async def test_the_active_version_is_used_unless_another_is_named(
    manage: ManageAgents, agent: Agent, suffix: str, expected: tuple[object, ...]
) -> None:
    command = UseAgentCommand(
        agent=f"{agent.id}{suffix}",
        variables={"name": "Ann"},
        agent_config={"llm": "x/y"},
        access=SYSTEM,
    )

    chosen = await UseAgent(manage.agents)(command)

    assert chosen.agent_id == agent.id
    assert (chosen.version, chosen.agent_name, chosen.config.values["prompt"]) == expected
    assert chosen.config.values["llm"] == "x/y"


@pytest.mark.parametrize(
    "reference",
    ["", "x", "@1", "{id}@", "{id}@0", "{id}@-1", "{id}@1@1", "{id}@x", " {id}", 1, None],
)
async def test_given_what_is_no_reference_then_the_field_is_named(
    manage: ManageAgents, agent: Agent, reference: Any
) -> None:
    text = reference.format(id=agent.id) if isinstance(reference, str) else reference

    with pytest.raises(InvalidInput) as caught:
        await UseAgent(manage.agents)(UseAgentCommand(agent=text, access=SYSTEM))

    assert caught.value.details["field"] == "agentId"


@pytest.mark.parametrize("suffix", ["", "@1"])
async def test_an_agent_of_another_tenant_is_not_found(
    manage: ManageAgents, agent: Agent, suffix: str
) -> None:
    with pytest.raises(NotFound):
        await UseAgent(manage.agents)(UseAgentCommand(agent=f"{agent.id}{suffix}", access=STRANGER))


@pytest.mark.parametrize("suffix", ["@3", "@999999999"])
async def test_an_unknown_version_is_not_found(
    manage: ManageAgents, agent: Agent, suffix: str
) -> None:
    with pytest.raises(NotFound) as caught:
        await UseAgent(manage.agents)(UseAgentCommand(agent=f"{agent.id}{suffix}", access=SYSTEM))

    assert caught.value.details["field"] == "agentId"
