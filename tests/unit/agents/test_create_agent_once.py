"""A saved agent is created once for each idempotency key."""

from __future__ import annotations

from uuid import UUID

import pytest

from adapters.memory.agents import MemoryAgents
from domain.access.access import SYSTEM, WORK, Access
from domain.agents.agent import Agent
from domain.agents.create_agent_once import CreateAgentOnce
from domain.agents.manage_agents import ManageAgents
from domain.idempotency.idempotent_execution import LEASE, IdempotentExecution
from domain.shared.agent_errors import AgentNameTaken
from domain.shared.errors import Forbidden, InvalidInput, StorageUnavailable
from domain.shared.idempotency_errors import IdempotencyKeyReused
from tests.unit.idempotency.lossy import LossyIdempotency
from tests.unit.worlds.fakes import FakeClock, SequentialIds
from tests.unit.worlds.world import MOMENT

SUPPORT = {"name": "support", "agentConfig": {"prompt": "a"}}


@pytest.fixture
def idempotency() -> LossyIdempotency:
    return LossyIdempotency()


@pytest.fixture
def manage() -> ManageAgents:
    return ManageAgents(agents=MemoryAgents(), clock=FakeClock(), ids=SequentialIds())


@pytest.fixture
def once(manage: ManageAgents, idempotency: LossyIdempotency) -> CreateAgentOnce:
    execution = IdempotentExecution(idempotency=idempotency, clock=manage.clock, ids=manage.ids)
    return CreateAgentOnce(idempotent_execution=execution, manage_agents=manage)


def id_of(agent: Agent) -> str:
    return str(agent.id)


async def test_a_repetition_gets_the_first_answer(
    once: CreateAgentOnce, manage: ManageAgents
) -> None:
    first = await once("key", SUPPORT, SYSTEM, id_of)
    again = await once("key", dict(reversed(SUPPORT.items())), SYSTEM, id_of)

    assert (first.replayed, again.replayed) == (False, True)
    assert first.text == again.text
    assert UUID(first.text).version == 7
    assert len((await manage.page(SYSTEM)).items) == 1


async def test_another_agent_with_the_same_key_is_refused(once: CreateAgentOnce) -> None:
    await once("key", SUPPORT, SYSTEM, id_of)

    with pytest.raises(IdempotencyKeyReused):
        await once("key", {"name": "sales"}, SYSTEM, id_of)


@pytest.mark.parametrize("name", ["support", "renamed"])
async def test_given_an_attempt_that_was_interrupted_when_it_is_repeated_then_its_agent_is_answered(
    once: CreateAgentOnce, manage: ManageAgents, idempotency: LossyIdempotency, name: str
) -> None:
    idempotency.is_down = True
    with pytest.raises(StorageUnavailable):
        await once("key", SUPPORT, SYSTEM, id_of)
    idempotency.is_down = False
    (created,) = (await manage.page(SYSTEM)).items
    await manage.change(str(created.id), {"name": name}, None, SYSTEM)
    assert isinstance(manage.clock, FakeClock)
    manage.clock.advance(LEASE + MOMENT)  # of the key

    again = await once("key", SUPPORT, SYSTEM, id_of)

    assert (again.text, again.replayed) == (str(created.id), False)
    assert len((await manage.page(SYSTEM)).items) == 1


async def test_given_a_name_that_is_taken_then_the_key_may_be_used_again(
    once: CreateAgentOnce, manage: ManageAgents
) -> None:
    other = await manage.create(SUPPORT, SYSTEM)
    with pytest.raises(AgentNameTaken):
        await once("key", SUPPORT, SYSTEM, id_of)
    await manage.delete(str(other.id), SYSTEM)

    assert not (await once("key", SUPPORT, SYSTEM, id_of)).replayed


async def test_what_is_refused_uses_up_no_key(once: CreateAgentOnce) -> None:
    with pytest.raises(InvalidInput):
        await once("key", {"name": ""}, SYSTEM, id_of)
    with pytest.raises(Forbidden):
        await once("key", SUPPORT, Access(tenant="ann", scopes=WORK), id_of)

    assert not (await once("key", SUPPORT, SYSTEM, id_of)).replayed
