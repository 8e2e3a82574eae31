"""Which kinds of events a key reads, and may have sent."""

from __future__ import annotations

from typing import Any, Final

import attrs
import pytest

from domain.access.access import SYSTEM, Access, Scope
from domain.events.domain_event import EventKind, StoredEvent
from domain.events.event_access import READERS, is_of_resource, readable_kinds
from domain.events.event_filter import EventFilter
from domain.shared.errors import Forbidden
from tests.unit.webhooks.world import World

K = EventKind
OF_AGENTS: Final = {K.AGENT_CREATED, K.AGENT_UPDATED, K.AGENT_ACTIVATED, K.AGENT_DELETED}
OF_WEBHOOKS: Final = {K.WEBHOOK_CREATED, K.WEBHOOK_UPDATED, K.WEBHOOK_DELETED}


def with_scopes(*scopes: Scope) -> Access:
    return Access(tenant="ann", scopes=frozenset(scopes))


async def event(world: World, kind: EventKind) -> StoredEvent:
    return await world.event(1, "ann", kind)


def test_a_scope_reads_the_events_of_what_it_reads() -> None:
    assert readable_kinds(with_scopes(Scope.AGENTS_READ)) == OF_AGENTS
    assert readable_kinds(with_scopes(Scope.AGENTS_WRITE)) == OF_AGENTS
    webhooks = readable_kinds(with_scopes(Scope.WEBHOOKS_READ))
    assert webhooks == OF_WEBHOOKS | {K.WEBHOOK_DISABLED, K.WEBHOOK_TEST}
    assert readable_kinds(with_scopes(Scope.SESSIONS_WRITE)) == frozenset()
    assert readable_kinds(with_scopes(Scope.ADMIN)) == {*EventKind}
    of_calls = readable_kinds(with_scopes(Scope.CALLS_READ))
    assert of_calls == {kind for kind in EventKind if not is_of_resource(kind)}
    assert {K.SESSION_CREATED, K.CALL_ENDED, K.USAGE_READY, K.WEBHOOK_DISABLED} <= of_calls


def test_keys_are_read_by_operators_alone() -> None:
    for scope in Scope:
        kinds = readable_kinds(with_scopes(scope))
        assert (K.API_KEY_CREATED in kinds) == (scope is Scope.ADMIN)
        assert bool(kinds) == (scope in READERS)


async def test_the_stream_has_what_the_key_may_read() -> None:
    world = World()
    of_agent, of_session = await event(world, K.AGENT_CREATED), await event(world, K.CALL_ENDED)

    agents = EventFilter.parse(with_scopes(Scope.AGENTS_READ))
    assert (agents.matches(of_agent), agents.matches(of_session)) == (True, False)
    calls = EventFilter.parse(with_scopes(Scope.CALLS_READ))
    assert (calls.matches(of_agent), calls.matches(of_session)) == (False, True)
    apart = EventFilter.parse(SYSTEM, resources=False)
    assert (apart.matches(of_agent), apart.matches(of_session)) == (False, True)
    with pytest.raises(Forbidden, match="agents:read"):
        EventFilter.parse(with_scopes(Scope.CALLS_READ), ["agent.created"])


async def test_a_webhook_gets_events_of_resources_only_if_it_names_them() -> None:
    world = World()
    of_all, named = await world.webhook(), await world.webhook("b", events=["agent.created"])
    created = (K.AGENT_CREATED.value, None, 9)

    assert (of_all.wants(*created), named.wants(*created)) == (False, True)
    assert not of_all.wants("agent.renamed", None, 9)  # by a newer version
    assert of_all.wants("session.newer", None, 9)
    assert of_all.wants("webhook.disabled", None, 9)


@pytest.mark.parametrize("kind", ["agent.created", "phone_number.deleted", "api_key.revoked"])
async def test_a_webhook_gets_no_events_that_its_key_may_not_read(kind: str) -> None:
    world, given = World(), {"url": "https://example.com", "events": ["call.ended", kind]}
    writes = with_scopes(Scope.WEBHOOKS_WRITE)
    reads: Any = attrs.evolve(writes, scopes=frozenset(Scope) - {Scope.ADMIN})

    with pytest.raises(Forbidden):
        await world.manage.create(given, writes)
    if kind.startswith("api_key"):
        with pytest.raises(Forbidden, match="admin"):
            await world.manage.create(given, reads)
        return
    webhook = await world.manage.create(given, reads)
    for changes in ({"url": "https://other.example.com"}, {"events": [kind]}):
        with pytest.raises(Forbidden):
            await world.manage.change(webhook.id.value, changes, writes)
    only_calls = await world.manage.change(webhook.id.value, {"events": ["call.ended"]}, writes)
    assert only_calls.events == ("call.ended",)
