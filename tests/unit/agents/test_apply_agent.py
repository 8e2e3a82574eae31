"""Applying a definition creates an agent, changes it, or does nothing."""

from __future__ import annotations

import attrs
import pytest

from adapters.memory.agents import MemoryAgents
from domain.access.access import SYSTEM, Access, Scope
from domain.agents.agent import Agent
from domain.agents.apply_agent import ApplyAgent, ApplyOutcome
from domain.agents.manage_agents import ManageAgents
from domain.shared.agent_errors import AgentNameTaken
from domain.shared.errors import Forbidden, InvalidInput
from tests.unit.worlds.fakes import FakeClock, SequentialIds

WHOLE = {
    "name": "support",
    "agentName": "worker",
    "agentConfig": {"prompt": "a"},
    "variables": {"x": None},
    "description": "d",
}
ANN = Access(tenant="ann", scopes=frozenset({Scope.AGENTS_WRITE}), sees_unowned=False)


@pytest.fixture
def manage() -> ManageAgents:
    return ManageAgents(agents=MemoryAgents(), clock=FakeClock(), ids=SequentialIds())


async def test_given_no_agent_of_that_name_then_it_is_created_once(manage: ManageAgents) -> None:
    apply = ApplyAgent(manage)

    first, second = await apply(WHOLE, SYSTEM), await apply(WHOLE, SYSTEM)

    assert (first.outcome, second.outcome) == (ApplyOutcome.CREATED, ApplyOutcome.UNCHANGED)
    assert second.agent == first.agent
    assert first.agent.definition.fields == WHOLE


async def test_what_the_definition_no_longer_has_is_reset(manage: ManageAgents) -> None:
    apply = ApplyAgent(manage)
    await apply(WHOLE, SYSTEM)

    changed = await apply({"name": "support"}, SYSTEM)

    assert (changed.outcome, changed.agent.version) == (ApplyOutcome.CHANGED, 2)
    assert changed.agent.definition.fields == {"name": "support"}


async def test_given_an_earlier_version_is_active_then_the_definition_is_a_new_version(
    manage: ManageAgents,
) -> None:
    apply = ApplyAgent(manage)
    first = await apply(WHOLE, SYSTEM)
    await apply({"name": "support"}, SYSTEM)
    await manage.activate(str(first.agent.id), 1, SYSTEM)

    assert (await apply(WHOLE, SYSTEM)).outcome is ApplyOutcome.UNCHANGED
    assert (await apply({"name": "support"}, SYSTEM)).agent.version == 3


async def test_each_tenant_has_its_own(manage: ManageAgents) -> None:
    apply = ApplyAgent(manage)
    await apply(WHOLE, SYSTEM)

    theirs = await apply(WHOLE, ANN)

    assert (theirs.outcome, theirs.agent.tenant) == (ApplyOutcome.CREATED, "ann")


class Raced(MemoryAgents):
    """Shows no agent of a name the first time that it is asked, or ever."""

    def __init__(self, records: ManageAgents, *, misses: int) -> None:
        self.__dict__ = dict(records.agents.__dict__)
        self.misses = misses

    async def named(self, name: str, tenant: str | None, access: Access) -> Agent | None:
        self.misses -= 1
        found = await super().named(name, tenant, access)
        return None if self.misses >= 0 else found


async def test_given_the_agent_is_created_meanwhile_then_it_is_changed(
    manage: ManageAgents,
) -> None:
    await manage.create({"name": "support"}, SYSTEM)
    raced = attrs.evolve(manage, agents=Raced(manage, misses=1))

    assert (await ApplyAgent(raced)(WHOLE, SYSTEM)).outcome is ApplyOutcome.CHANGED


async def test_given_a_name_that_stays_taken_then_that_is_said(manage: ManageAgents) -> None:
    await manage.create({"name": "support"}, SYSTEM)
    raced = attrs.evolve(manage, agents=Raced(manage, misses=100))

    with pytest.raises(AgentNameTaken):
        await ApplyAgent(raced)(WHOLE, SYSTEM)


async def test_what_may_not_be_saved_is_refused(manage: ManageAgents) -> None:
    with pytest.raises(InvalidInput):
        await ApplyAgent(manage)({"name": ""}, SYSTEM)
    with pytest.raises(Forbidden):
        await ApplyAgent(manage)(WHOLE, Access(scopes=frozenset({Scope.AGENTS_READ})))
