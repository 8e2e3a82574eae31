"""Publishable keys: which pages, which agent, how many requests, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.memory.agents import MemoryAgents
from adapters.memory.publishable_keys import MemoryPublishableKeys
from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.system.keys import RandomKeys
from domain.access.access import SYSTEM, WORK, Access, Scope
from domain.access.authenticate import REMEMBERED
from domain.access.authenticate_client import AuthenticateClient
from domain.access.client_limit import ClientLimit
from domain.access.manage_publishable_keys import (
    MOST_KEYS,
    MOST_PER_MINUTE,
    CreatePublishableKeyCommand,
    MadePublishableKey,
    ManagePublishableKeys,
)
from domain.access.publishable_key import is_publishable
from domain.agents.manage_agents import ManageAgents
from domain.agents.use_agent import UseAgent
from domain.shared.errors import (
    Forbidden,
    InvalidInput,
    NotFound,
    OriginRefused,
    RateLimited,
    Unauthenticated,
)
from entrypoints.settings.origins import matcher, parse_origin
from tests.unit.worlds.fakes import FakeClock, SequentialIds

PAGE = "https://app.example.com"
ANN = Access(tenant="ann", scopes=WORK, sees_unowned=False)
BEN = Access(tenant="ben", scopes=WORK, sees_unowned=False)


class Keys:
    """Keys that are managed and presented."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.agents = MemoryAgents()
        stored = self.stored = MemoryPublishableKeys()
        self.manage = ManagePublishableKeys(
            keys=stored,
            maker=RandomKeys(),
            parse_origin=parse_origin,
            clock=self.clock,
            ids=SequentialIds(),
            agent_names=("default-agent", "receptionist"),
            check_agent=UseAgent(self.agents).by_defaults,
        )
        self.authenticate = AuthenticateClient(
            keys=stored,
            limit=ClientLimit(
                limiter=MemoryRateLimiter(MOST_PER_MINUTE),
                clock=self.clock,
                most_per_minute=MOST_PER_MINUTE,
            ),
            match_origin=matcher,
            clock=self.clock,
        )

    async def made(self, access: Access = ANN, **asked: object) -> MadePublishableKey:
        command = CreatePublishableKeyCommand(allowed_origins=[PAGE], access=access)
        return await self.manage.create(attrs.evolve(command, **asked))  # type: ignore[arg-type]


@pytest.fixture
def keys() -> Keys:
    return Keys()


async def test_a_key_permits_its_pages_its_agent_in_the_name_of_its_tenant(keys: Keys) -> None:
    made = await keys.made(agent_name="receptionist")

    grant = await keys.authenticate(made.text, PAGE)

    assert grant.agent_name == "receptionist"
    assert grant.access.tenant == "ann"
    assert grant.access.scopes == {Scope.SESSIONS_WRITE}
    assert made.text.startswith(f"{made.key.prefix}_")
    assert made.text not in repr(keys.stored._keys)


@pytest.mark.parametrize(
    ("allowed", "origin", "is_allowed"),
    [
        ([PAGE], PAGE, True),
        ([PAGE], "https://APP.example.com", True),
        ([PAGE], "https://app.example.com:8443", False),
        ([PAGE], "http://app.example.com", False),
        ([PAGE], "https://app.example.com.evil.test", False),
        ([PAGE], "null", False),
        ([PAGE], "", False),
        (["https://*.example.com"], "https://a.b.example.com", True),
        (["https://*.example.com"], "https://example.com", False),
        (["http://localhost:*"], "http://localhost:3000", True),
        (["*"], "https://any.test", True),
        (["null"], "null", True),
    ],
)
async def test_only_pages_of_its_origins_may_use_it(
    keys: Keys, allowed: list[str], origin: str, *, is_allowed: bool
) -> None:
    made = await keys.made(allowed_origins=allowed)
    if is_allowed:
        await keys.authenticate(made.text, origin)
    else:
        with pytest.raises(OriginRefused):
            await keys.authenticate(made.text, origin)


async def saved(keys: Keys, access: Access = ANN, **given: Any) -> str:
    agents = ManageAgents(agents=keys.agents, clock=keys.clock, ids=SequentialIds())
    owner = attrs.evolve(access, scopes=frozenset({Scope.AGENTS_WRITE}))
    return str((await agents.create({"name": "support", **given}, owner)).id)


@pytest.mark.parametrize("version", ["", "@1"])
async def test_given_a_saved_agent_then_a_key_permits_it_and_no_name(
    keys: Keys, version: str
) -> None:
    agent_id = await saved(keys, variables={"name": "you"})
    made = await keys.made(agent_id=agent_id + version)

    grant = await keys.authenticate(made.text, PAGE)

    assert (grant.agent_id, grant.agent_name) == (agent_id + version, None)


@pytest.mark.parametrize("of", [BEN, attrs.evolve(BEN, tenant=None)])
async def test_given_an_agent_that_is_not_the_tenants_then_no_key_is_made_for_it(
    keys: Keys, of: Access
) -> None:
    agent_id = await saved(keys, of)
    everything = Access(tenant="ann")
    for access in (ANN, everything):
        with pytest.raises(NotFound):
            await keys.made(access, agent_id=agent_id)
        with pytest.raises(NotFound):
            await keys.made(access, agent_id=f"{agent_id}@1")
    assert await keys.manage.all(SYSTEM) == []


async def test_given_an_agent_with_a_required_variable_then_no_key_is_made_for_it(
    keys: Keys,
) -> None:
    agent_id = await saved(keys, variables={"name": None})
    with pytest.raises(InvalidInput, match="no default") as refused:
        await keys.made(agent_id=agent_id)

    assert refused.value.details["field"] == "variables.name"


@pytest.mark.parametrize("end", ["x", "", "A" * 43])
async def test_a_key_is_not_known_by_a_part_of_it(keys: Keys, end: str) -> None:
    made = await keys.made()
    for text in (f"{made.key.prefix}_{end}", made.text + end if end else "pk_", "pk_" + "a" * 56):
        with pytest.raises(Unauthenticated):
            await keys.authenticate(text, PAGE)


async def test_it_has_a_limit_of_its_own(keys: Keys) -> None:
    made, other = await keys.made(requests_per_minute=3), await keys.made()
    for _ in range(3):
        await keys.authenticate(made.text, PAGE)
    with pytest.raises(RateLimited):
        await keys.authenticate(made.text, PAGE)
    await keys.authenticate(other.text, PAGE)
    keys.clock.advance(timedelta(minutes=1))

    await keys.authenticate(made.text, PAGE)


async def test_a_refused_origin_uses_up_nothing(keys: Keys) -> None:
    made = await keys.made(requests_per_minute=1)
    for _ in range(5):
        with pytest.raises(OriginRefused):
            await keys.authenticate(made.text, "https://evil.test")

    await keys.authenticate(made.text, PAGE)


async def test_a_deleted_key_opens_nothing_after_five_seconds(keys: Keys) -> None:
    made = await keys.made()
    await keys.authenticate(made.text, PAGE)
    await keys.manage.delete(made.key.id, ANN)
    keys.clock.advance(REMEMBERED)

    with pytest.raises(Unauthenticated):
        await keys.authenticate(made.text, PAGE)


async def test_a_tenant_sees_and_deletes_its_own_only(keys: Keys) -> None:
    made = await keys.made(ANN)
    await keys.made(BEN)

    assert [key.id for key in await keys.manage.all(ANN)] == [made.key.id]
    assert len(await keys.manage.all(SYSTEM)) == 2
    with pytest.raises(NotFound):
        await keys.manage.delete(made.key.id, BEN)
    await keys.manage.delete(made.key.id, ANN)
    assert await keys.manage.all(ANN) == []


async def test_a_key_that_may_only_read_makes_none(keys: Keys) -> None:
    reader = attrs.evolve(ANN, scopes=frozenset({Scope.CALLS_READ}))
    with pytest.raises(Forbidden):
        await keys.made(reader)
    with pytest.raises(Forbidden):
        await keys.manage.all(reader)
    with pytest.raises(Forbidden):
        await keys.manage.delete("x", reader)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"allowed_origins": []}, "allowedOrigins"),
        ({"allowed_origins": ["app.example.com"]}, "allowedOrigins"),
        ({"allowed_origins": ["https://a.test/path"]}, "allowedOrigins"),
        ({"allowed_origins": [f"https://{'a' * 256}.test"]}, "allowedOrigins"),
        ({"allowed_origins": [PAGE] * 21}, "allowedOrigins"),
        ({"agent_name": "another"}, "agentName"),
        ({"agent_name": "receptionist", "agent_id": "x"}, "agentName"),
        ({"agent_id": "receptionist"}, "agentId"),
        ({"agent_id": "01890a5d-ac96-774b-bcce-b302099a8057@0"}, "agentId"),
        ({"requests_per_minute": -1}, "requestsPerMinute"),
        ({"requests_per_minute": 0}, "requestsPerMinute"),
        ({"requests_per_minute": MOST_PER_MINUTE + 1}, "requestsPerMinute"),
    ],
)
async def test_what_is_wrong_is_named(keys: Keys, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await keys.made(**asked)

    assert refused.value.details["field"] == field


async def test_a_tenant_may_have_so_many(keys: Keys) -> None:
    for _ in range(MOST_KEYS):
        await keys.made()
    with pytest.raises(InvalidInput):
        await keys.made()

    await keys.made(BEN)


@pytest.mark.parametrize(
    "key", ["pk_live_51H8", "pk_", "pk_aaaaaaaaaaaa", "sk_aaaaaaaaaaaa_" + "A" * 43]
)
def test_a_key_of_another_service_is_no_publishable_key(key: str) -> None:
    assert not is_publishable(key)
    assert is_publishable("pk_aaaaaaaaaaaa_" + "A" * 43)
