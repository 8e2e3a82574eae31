"""Saved agents: every change is a version, and any version can be activated again."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.agents import MemoryAgents
from domain.access.access import SYSTEM, WORK, Access, Scope
from domain.agents import agent as agent_module
from domain.agents import manage_agents as manage_module
from domain.agents.agent import Agent
from domain.agents.manage_agents import ManageAgents
from domain.shared.agent_errors import AgentChanged, AgentLimitReached, AgentNameTaken
from domain.shared.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.unit.worlds.fakes import FakeClock, SequentialIds
from tests.unit.worlds.world import MOMENT

AGENTS = frozenset({Scope.AGENTS_READ, Scope.AGENTS_WRITE})
ANN = Access(tenant="ann", scopes=AGENTS, sees_unowned=False)
BEN = Access(tenant="ben", scopes=AGENTS, sees_unowned=False)
READER = Access(tenant="ann", scopes=frozenset({Scope.AGENTS_READ}), sees_unowned=False)
CALLER = Access(tenant="ann", scopes=WORK, sees_unowned=False)
UNKNOWN = "00000000-0000-7000-b000-ffffffffffff"


@pytest.fixture
def manage() -> ManageAgents:
    return new_manage()


def new_manage() -> ManageAgents:
    return ManageAgents(agents=MemoryAgents(), clock=FakeClock(), ids=SequentialIds())


def advance(manage: ManageAgents) -> None:
    assert isinstance(manage.clock, FakeClock)
    manage.clock.advance(MOMENT)


async def saved(manage: ManageAgents, access: Access = ANN, **fields: Any) -> Agent:
    return await manage.create({"name": "support", **fields}, access)


def prompt(text: str) -> dict[str, Any]:
    return {"agentConfig": {"prompt": text}}


async def test_a_new_agent_has_version_one(manage: ManageAgents) -> None:
    agent = await saved(manage, **prompt("a"))

    assert (agent.version, agent.latest, agent.tenant) == (1, 1, "ann")
    assert await manage.by_id(str(agent.id), ANN) == agent
    assert await manage.by_name("support", ANN) == agent
    assert await manage.by_name("sales", ANN) is None
    (version,) = (await manage.versions(str(agent.id), ANN)).items
    assert version == agent.new_version


async def test_a_change_is_a_new_version_that_is_active(manage: ManageAgents) -> None:
    agent = await saved(manage, description="d", **prompt("a"))
    advance(manage)

    changed = await manage.change(str(agent.id), prompt("b"), 1, ANN)

    assert (changed.version, changed.latest) == (2, 2)
    assert changed.definition.agent_config == {"prompt": "b"}
    assert changed.definition.description == "d"
    assert changed.created_at == agent.created_at < changed.updated_at
    assert [one.number for one in (await manage.versions(str(agent.id), ANN)).items] == [2, 1]
    first = await manage.version(str(agent.id), 1, ANN)
    assert first == agent.new_version


async def test_null_resets_a_field(manage: ManageAgents) -> None:
    agent = await saved(manage, description="d", agentName="worker")

    changed = await manage.change(str(agent.id), {"description": None}, None, ANN)

    assert changed.definition.fields == {"name": "support", "agentName": "worker"}


async def test_given_a_change_that_changes_nothing_then_there_is_no_new_version(
    manage: ManageAgents,
) -> None:
    agent = await saved(manage, **prompt("a"))

    assert await manage.change(str(agent.id), prompt("a"), None, ANN) == agent


async def test_given_an_earlier_version_when_it_is_activated_then_no_version_is_added(
    manage: ManageAgents,
) -> None:
    agent = await saved(manage, **prompt("a"))
    await manage.change(str(agent.id), prompt("b"), None, ANN)
    advance(manage)

    back = await manage.activate(str(agent.id), 1, ANN)

    assert (back.version, back.latest) == (1, 2)
    assert back.definition == agent.definition
    assert back.updated_at > agent.updated_at
    assert await manage.activate(str(agent.id), 1, ANN) == back
    after = await manage.change(str(agent.id), prompt("c"), 1, ANN)
    assert (after.version, after.latest) == (3, 3)


async def test_given_another_version_than_expected_then_nothing_changes(
    manage: ManageAgents,
) -> None:
    agent = await saved(manage, **prompt("a"))
    changed = await manage.change(str(agent.id), prompt("b"), 1, ANN)

    with pytest.raises(AgentChanged, match="active version is 2, not 1"):
        await manage.change(str(agent.id), prompt("c"), 1, ANN)

    assert await manage.by_id(str(agent.id), ANN) == changed


class Slow(MemoryAgents):
    """Saves once it may; the records are those of ``others``."""

    def __init__(self, others: ManageAgents) -> None:
        self.__dict__ = others.agents.__dict__
        self.read, self.may_save = asyncio.Event(), asyncio.Event()

    async def save(self, agent: Agent, *, adds_version: bool) -> Agent:
        self.read.set()
        await self.may_save.wait()
        return await super().save(agent, adds_version=adds_version)


async def test_given_two_changes_at_once_then_both_are_versions_and_none_is_lost(
    manage: ManageAgents,
) -> None:
    agent = await saved(manage, **prompt("a"))
    slow = Slow(manage)
    late = attrs.evolve(manage, agents=slow)
    task = asyncio.create_task(late.change(str(agent.id), prompt("late"), None, ANN))
    await slow.read.wait()

    await manage.change(str(agent.id), {"description": "first"}, None, ANN)
    slow.may_save.set()
    changed = await task

    assert (changed.version, changed.definition.description) == (3, "first")
    found = (await manage.versions(str(agent.id), ANN)).items
    assert [one.definition.agent_config["prompt"] for one in found] == ["late", "a", "a"]


async def test_given_two_changes_of_one_version_at_once_then_the_later_one_is_refused(
    manage: ManageAgents,
) -> None:
    agent = await saved(manage, **prompt("a"))
    slow = Slow(manage)
    late = attrs.evolve(manage, agents=slow)
    task = asyncio.create_task(late.change(str(agent.id), prompt("late"), 1, ANN))
    await slow.read.wait()
    first = await manage.change(str(agent.id), prompt("first"), 1, ANN)
    slow.may_save.set()

    with pytest.raises(AgentChanged, match="active version is 2, not 1"):
        await task

    assert await manage.by_id(str(agent.id), ANN) == first


async def test_given_an_agent_that_is_deleted_during_a_change_then_it_is_not_found(
    manage: ManageAgents,
) -> None:
    agent = await saved(manage)
    slow = Slow(manage)
    late = attrs.evolve(manage, agents=slow)
    task = asyncio.create_task(late.change(str(agent.id), prompt("late"), None, ANN))
    await slow.read.wait()
    await manage.delete(str(agent.id), ANN)
    slow.may_save.set()

    with pytest.raises(NotFound):
        await task


async def test_given_an_agent_that_always_changes_then_the_change_is_refused_at_last(
    manage: ManageAgents,
) -> None:
    class Busy(MemoryAgents):
        async def save(self, agent: Agent, *, adds_version: bool) -> Agent:  # noqa: ARG002
            raise Conflict("Another request has changed this record since it was read.")

    agent = await saved(manage)
    busy = Busy()
    busy.__dict__ = manage.agents.__dict__

    with pytest.raises(AgentChanged, match="try again"):
        await attrs.evolve(manage, agents=busy).change(str(agent.id), prompt("b"), None, ANN)


async def test_a_name_is_taken_once_by_each_tenant(manage: ManageAgents) -> None:
    agent = await saved(manage)
    await saved(manage, BEN)
    await saved(manage, SYSTEM)
    other = await manage.create({"name": "sales"}, ANN)

    with pytest.raises(AgentNameTaken, match="'support'"):
        await saved(manage)
    with pytest.raises(AgentNameTaken):
        await manage.change(str(other.id), {"name": "support"}, None, ANN)
    await manage.change(str(agent.id), {"name": "renamed"}, None, ANN)
    await manage.change(str(other.id), {"name": "support"}, None, ANN)
    with pytest.raises(AgentNameTaken):
        await manage.activate(str(agent.id), 1, ANN)


async def test_a_deleted_agent_is_gone_with_its_versions(manage: ManageAgents) -> None:
    agent = await saved(manage)

    await manage.delete(str(agent.id), ANN)

    for attempt in (
        manage.by_id(str(agent.id), ANN),
        manage.versions(str(agent.id), ANN),
        manage.change(str(agent.id), {}, None, ANN),
        manage.delete(str(agent.id), ANN),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await saved(manage)).version == 1


async def test_an_agent_of_another_tenant_is_not_found(manage: ManageAgents) -> None:
    agent_id = str((await saved(manage)).id)

    for attempt in (
        manage.by_id(agent_id, BEN),
        manage.version(agent_id, 1, BEN),
        manage.versions(agent_id, BEN),
        manage.change(agent_id, {"name": "mine"}, None, BEN),
        manage.activate(agent_id, 1, BEN),
        manage.delete(agent_id, BEN),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await manage.page(BEN)).items == []
    assert await manage.by_name("support", BEN) is None


@pytest.mark.parametrize("agent_id", [UNKNOWN, "x", "", "x" * 10_000, "\0"])
async def test_an_unknown_id_is_not_found(manage: ManageAgents, agent_id: str) -> None:
    with pytest.raises(NotFound) as caught:
        await manage.by_id(agent_id, ANN)

    assert caught.value.details["field"] == "agentId"


@pytest.mark.parametrize("number", [0, -1, 2, 10**30])
async def test_an_unknown_version_is_not_found(manage: ManageAgents, number: int) -> None:
    agent = await saved(manage)

    with pytest.raises(NotFound, match="its newest is 1"):
        await manage.activate(str(agent.id), number, ANN)


@pytest.mark.parametrize("number", ["1", None, 1.0, True])
async def test_a_version_is_a_whole_number(manage: ManageAgents, number: Any) -> None:
    agent = await saved(manage)

    with pytest.raises(InvalidInput) as caught:
        await manage.activate(str(agent.id), number, ANN)

    assert caught.value.details["field"] == "version"


async def test_scopes_are_required(manage: ManageAgents) -> None:
    agent_id = str((await saved(manage)).id)

    for attempt in (
        manage.create({"name": "a"}, READER),
        manage.change(agent_id, {}, None, READER),
        manage.activate(agent_id, 1, READER),
        manage.delete(agent_id, READER),
        manage.by_id(agent_id, CALLER),
        manage.by_name("support", CALLER),
        manage.page(CALLER),
        manage.version(agent_id, 1, CALLER),
        manage.versions(agent_id, CALLER),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert (await manage.by_id(agent_id, READER)).version == 1


async def test_the_list_is_newest_first_and_paged(manage: ManageAgents) -> None:
    for name in ("a", "b", "c"):
        await manage.create({"name": name}, ANN)
        advance(manage)

    first = await manage.page(ANN, limit=2)
    second = await manage.page(ANN, first.next, limit=2)

    assert [one.definition.name for one in first.items] == ["c", "b"]
    assert [one.definition.name for one in second.items] == ["a"]
    assert second.next is None


async def test_versions_are_paged_newest_first(manage: ManageAgents) -> None:
    agent = await saved(manage, **prompt("1"))
    for text in "234":
        await manage.change(str(agent.id), prompt(text), None, ANN)  # at the same moment

    first = await manage.versions(str(agent.id), ANN, limit=3)
    second = await manage.versions(str(agent.id), ANN, first.next, limit=3)

    assert [one.number for one in first.items] == [4, 3, 2]
    assert [one.number for one in second.items] == [1]
    assert second.next is None


async def test_numbers_are_limited(manage: ManageAgents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manage_module, "MAX_AGENTS", 2)
    monkeypatch.setattr(agent_module, "MAX_VERSIONS", 2)
    agent = await saved(manage)
    await manage.create({"name": "b"}, ANN)
    await manage.change(str(agent.id), prompt("b"), None, ANN)

    with pytest.raises(AgentLimitReached, match="2 agents"):
        await manage.create({"name": "c"}, ANN)
    with pytest.raises(AgentLimitReached, match="2 versions"):
        await manage.change(str(agent.id), prompt("c"), None, ANN)
    assert (await saved(manage, BEN)).version == 1


STEPS = st.lists(st.sampled_from("abc") | st.integers(1, 8), max_size=12)


@given(STEPS)
async def test_whatever_is_changed_and_activated_then_each_version_stays_as_it_was(
    steps: list[str | int],
) -> None:
    manage = new_manage()
    agent = await saved(manage, **prompt("first"))
    agent_id, texts, active = str(agent.id), ["first"], 1
    for step in steps:
        if isinstance(step, str):
            if texts[active - 1] != step:
                texts.append(step)
                active = len(texts)
            await manage.change(agent_id, prompt(step), None, ANN)
        elif step <= len(texts):
            await manage.activate(agent_id, step, ANN)
            active = step

    agent = await manage.by_id(agent_id, ANN)
    versions = (await manage.versions(agent_id, ANN)).items

    assert (agent.version, agent.latest) == (active, len(texts))
    assert agent.definition.agent_config == {"prompt": texts[active - 1]}
    found = {one.number: one.definition.agent_config["prompt"] for one in versions}
    assert found == dict(enumerate(texts, start=1))
