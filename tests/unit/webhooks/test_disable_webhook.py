"""A webhook is disabled once, if it still deserves it, and its tenant hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.access.access import SYSTEM
from domain.events.domain_event import EventKind
from domain.webhooks.disable_webhook import DisableWebhook
from domain.webhooks.subscription import FAILING_FOR, DisabledReason, WebhookStatus
from tests.unit.webhooks.world import World


@pytest.fixture
def world() -> World:
    return World()


def disable(world: World) -> DisableWebhook:
    return world.worker().deliver.disable_webhook


def announced(world: World) -> int:
    kinds = [event.kind for event in world.memory.outbox.stored]
    return kinds.count(EventKind.WEBHOOK_DISABLED)


async def test_one_whose_receiver_is_gone_is_disabled_once(world: World) -> None:
    webhook = await world.webhook()

    await disable(world)(webhook.id, DisabledReason.GONE)
    await disable(world)(webhook.id, DisabledReason.GONE)

    assert (await world.stored(webhook.id)).status is WebhookStatus.DISABLED
    assert announced(world) == 1


async def test_one_that_does_not_fail_or_not_for_long_stays_enabled(world: World) -> None:
    webhook = await world.webhook()
    await disable(world)(webhook.id, DisabledReason.FAILING)
    world.sender.answer = lambda _url, _event_id: 500
    await world.event()
    await world.deliver()
    world.clock.advance(FAILING_FOR - timedelta(minutes=1))
    await disable(world)(webhook.id, DisabledReason.FAILING)
    assert (await world.stored(webhook.id)).is_enabled

    world.clock.advance(timedelta(minutes=2))
    await disable(world)(webhook.id, DisabledReason.FAILING)

    assert not (await world.stored(webhook.id)).is_enabled


async def test_one_that_was_deleted_meanwhile_is_forgotten(world: World) -> None:
    webhook = await world.webhook()
    await world.manage.delete(str(webhook.id), SYSTEM)

    await disable(world)(webhook.id, DisabledReason.GONE)

    assert announced(world) == 0
