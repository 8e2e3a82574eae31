"""Events of agents, phone numbers, API keys and webhooks, on every storage."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.events.domain_event import EventKind, StoredEvent
from domain.shared.errors import Conflict
from domain.webhooks.subscription import DisabledReason, Reach
from tests.contract.access.test_api_keys import new_key
from tests.contract.events.test_outbox import K
from tests.contract.phone_numbers.test_phone_numbers import new_number
from tests.contract.storage.ledgers import NOON, access_of, new_announcer, opened
from tests.contract.storage.test_agents import named, new_agent
from tests.contract.webhooks.examples import new_webhook

Ledger = MemoryStorage | SqlStorage
LATER = NOON + timedelta(minutes=5)


async def told(ledger: Ledger) -> list[StoredEvent]:
    return [*await ledger.outbox.after(0, 100)]


def seen(events: list[StoredEvent]) -> list[tuple[EventKind, int]]:
    return [(event.kind, event.sequence) for event in events]


async def test_an_agent_s_changes_are_events_in_its_lane(ledger: Ledger) -> None:
    agent = new_agent()
    await ledger.agents.add(agent)
    changed = agent.changed(named("other"), LATER)
    changed = await ledger.agents.save(changed, adds_version=True)
    first = await ledger.agents.version(agent.id, 1, SYSTEM)
    assert first is not None
    await ledger.agents.save(changed.activated(first, LATER), adds_version=False)
    await ledger.agents.delete(agent.id, access_of("ben"))
    await ledger.agents.delete(agent.id, SYSTEM)

    events = await told(ledger)

    assert seen(events) == [
        (K.AGENT_CREATED, 1), (K.AGENT_UPDATED, 2), (K.AGENT_ACTIVATED, 3), (K.AGENT_DELETED, 4)
    ]  # fmt: skip
    assert {(one.lane, one.tenant, one.session_id) for one in events} == {
        (agent.id.value, "ann", None)
    }
    assert [json.loads(one.data)["name"] for one in events][:2] == ["support", "other"]
    assert [json.loads(one.data)["version"] for one in events][:3] == [1, 2, 1]


async def test_a_phone_number_s_changes_are_events_without_its_secret(ledger: Ledger) -> None:
    number = new_number()
    await ledger.phone_numbers.add(number)
    saved = await ledger.phone_numbers.save(attrs.evolve(number, trunk_id="ST_b"))
    await ledger.phone_numbers.delete(number.id, SYSTEM)

    events = await told(ledger)

    assert seen(events) == [
        (K.PHONE_NUMBER_CREATED, 1), (K.PHONE_NUMBER_UPDATED, 2), (K.PHONE_NUMBER_DELETED, 3)
    ]  # fmt: skip
    assert json.loads(events[1].data)["trunkId"] == saved.trunk_id == "ST_b"
    assert not [one for one in events if "whsec_" in one.data]


async def test_an_api_key_s_changes_are_events_without_its_digest(ledger: Ledger) -> None:
    key = new_key()
    await ledger.api_keys.add(key)
    assert await ledger.api_keys.expire(key.prefix, LATER)
    assert await ledger.api_keys.expire(key.prefix, LATER + timedelta(days=1))
    await ledger.api_keys.used(key.prefix, LATER)
    assert await ledger.api_keys.revoke(key.prefix, LATER)
    assert await ledger.api_keys.revoke(key.prefix, LATER)
    assert not await ledger.api_keys.revoke("blk_unknown", LATER)
    assert not await ledger.api_keys.expire("blk_unknown", LATER)

    events = await told(ledger)

    assert seen(events) == [(K.API_KEY_CREATED, 1), (K.API_KEY_UPDATED, 2), (K.API_KEY_REVOKED, 3)]
    shown = [json.loads(one.data) for one in events]
    assert shown[0]["expiresAt"] is None
    assert shown[1]["expiresAt"] == shown[2]["revokedAt"] is not None
    assert {one.tenant for one in events} == {"acme"}
    assert not [one for one in events if key.digest in one.data]


async def test_a_webhook_s_changes_are_events_without_its_url_and_secret(ledger: Ledger) -> None:
    webhook = new_webhook(url="https://example.com/?token=1")
    await ledger.webhooks.add(webhook)
    disabled = webhook.disabled(DisabledReason.REQUEST, LATER)
    await ledger.webhooks.save(disabled)
    await ledger.webhooks.note_failure(webhook.id, LATER)
    await ledger.webhooks.delete(webhook.id, SYSTEM)

    events = await told(ledger)

    assert seen(events) == [(K.WEBHOOK_CREATED, 1), (K.WEBHOOK_UPDATED, 2), (K.WEBHOOK_DELETED, 3)]
    assert json.loads(events[1].data)["status"] == "disabled"
    assert not [one for one in events if "whsec_" in one.data or "token=" in one.data]


async def test_what_is_refused_is_no_event(ledger: Ledger) -> None:
    agent, number = new_agent(), new_number()
    key, webhook = new_key(), new_webhook(reach=Reach(sees_all=True))
    changes: list[Any] = [
        (ledger.agents.add, agent), (ledger.phone_numbers.add, number),
        (ledger.api_keys.add, key), (ledger.webhooks.add, webhook),
    ]  # fmt: skip
    for add, one in changes:
        await add(one)
        with pytest.raises(Conflict):
            await add(one)
    stale = attrs.evolve(webhook, revision=7)
    with pytest.raises(Conflict):
        await ledger.webhooks.save(stale)
    with pytest.raises(Conflict):
        await ledger.phone_numbers.save(attrs.evolve(number, revision=7))

    assert [event.sequence for event in await told(ledger)] == [1, 1, 1, 1]


async def test_who_waits_for_events_is_woken(database_url: str) -> None:
    kinds = list[EventKind]()
    async with opened(database_url, announcer=new_announcer(appended=kinds.extend)) as ledger:
        await ledger.agents.add(new_agent())
        key = new_key()
        await ledger.api_keys.add(key)
        await ledger.api_keys.revoke(key.prefix, LATER)

    assert kinds == [K.AGENT_CREATED, K.API_KEY_CREATED, K.API_KEY_REVOKED]


async def test_of_replicas_that_change_one_agent_at_once_each_change_is_one_event(
    sql_url: str,
) -> None:
    async with opened(sql_url) as one, opened(sql_url) as other:
        agent = new_agent()
        await one.agents.add(agent)

        async def change(ledger: Ledger, number: int) -> int:
            found = await ledger.agents.get(agent.id, SYSTEM)
            assert found is not None
            try:
                changed = found.changed(named(f"name-{number}"), LATER)
                await ledger.agents.save(changed, adds_version=True)
            except Conflict:
                return 0
            return 1

        done = sum(await asyncio.gather(*(change([one, other][n % 2], n) for n in range(8))))
        deleted = await asyncio.gather(
            *(ledger.agents.delete(agent.id, SYSTEM) for ledger in (one, other, one))
        )

        assert done >= 1
        assert deleted.count(True) == 1
        events = await told(one)
        assert [event.sequence for event in events] == [*range(1, done + 3)]
        assert [event.kind for event in events].count(K.AGENT_DELETED) == 1
