"""Phone numbers and their tenants, for the tests of this folder."""

from __future__ import annotations

from typing import Any, Final

from adapters.memory.agents import MemoryAgents
from adapters.memory.phone_numbers import MemoryPhoneNumbers
from adapters.phonenumbers.phone_numbers import normalised
from adapters.system.keys import RandomKeys
from domain.access.access import Access, Scope
from domain.agents.agent import Agent
from domain.agents.definition import AgentDefinition
from domain.phone_numbers.manage_phone_numbers import ManagePhoneNumbers
from domain.shared.identifiers import AgentId
from tests.unit.worlds.fakes import NOON, FakeClock, SequentialIds

NUMBER: Final = "+15105550199"
SCOPES: Final = frozenset({Scope.PHONE_NUMBERS_READ, Scope.PHONE_NUMBERS_WRITE})
ANN: Final = Access(tenant="ann", scopes=SCOPES, sees_unowned=False)
BEN: Final = Access(tenant="ben", scopes=SCOPES, sees_unowned=False)
ADMIN: Final = Access(tenant="ops", scopes=frozenset({Scope.ADMIN}), sees_unowned=False)


def agent_id(number: int) -> AgentId:
    return AgentId(f"00000000-0000-7000-b000-{number:012x}")


ANNS, ANNS_OTHER, BENS, OPEN = (agent_id(number) for number in range(1, 5))
"""Two agents of Ann's, one of Ben's, and one that belongs to no tenant."""
OWNERS: Final = {ANNS: "ann", ANNS_OTHER: "ann", BENS: "ben", OPEN: None}


async def stored_agents() -> MemoryAgents:
    agents = MemoryAgents()
    for each, tenant in OWNERS.items():
        definition = AgentDefinition(name=str(each), agent_name=f"worker-{each}")
        await agents.add(
            Agent(id=each, definition=definition, created_at=NOON, updated_at=NOON, tenant=tenant)
        )
    return agents


async def new_manage(**changes: Any) -> ManagePhoneNumbers:
    values: dict[str, Any] = {
        "numbers": MemoryPhoneNumbers(),
        "agents": await stored_agents(),
        "clock": FakeClock(),
        "ids": SequentialIds(),
        "secrets": RandomKeys(),
        "normalised": normalised,
        "allow_private": False,
    }
    return ManagePhoneNumbers(**(values | changes))


def given(agent: AgentId = ANNS, number: str = NUMBER, **fields: Any) -> dict[str, Any]:
    return {"number": number, "agentId": str(agent), **fields}
