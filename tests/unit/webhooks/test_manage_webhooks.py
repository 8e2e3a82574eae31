"""Who may store, change and see which webhooks."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM, Access, Scope
from domain.shared.errors import Conflict, Forbidden, InvalidInput, NotFound
from domain.shared.webhook_errors import WebhookChanged, WebhookLimitReached
from domain.webhooks import manage_webhooks
from domain.webhooks.delivery import DeliveryStatus
from domain.webhooks.forward_events import ForwardEvents
from domain.webhooks.subscription import DisabledReason, Webhook
from tests.unit.webhooks.world import Secrets, World
from tests.unit.worlds.fakes import NOON

WRITE = frozenset({Scope.WEBHOOKS_WRITE})
ANN = Access(tenant="ann", scopes=WRITE, sees_unowned=True)
NOWHERE = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def world() -> World:
    return World()


async def test_each_use_needs_its_scope(world: World) -> None:
    webhook = await world.webhook(access=ANN)
    name = webhook.id.value
    reads = Access(tenant="ann", scopes=frozenset({Scope.WEBHOOKS_READ}))
    none = Access(tenant="ann", scopes=frozenset({Scope.CALLS_READ}))
    manage, deliveries = world.manage, world.deliveries

    assert await manage.by_id(name, reads) == webhook
    assert (await manage.page(reads)).items == [webhook]
    assert (await deliveries.page(name, reads)).items == []
    for use in (
        manage.by_id(name, none), manage.page(none), manage.stored(webhook.id, none),
        deliveries.page(name, none),
        manage.create({}, reads), manage.change(name, {}, reads), manage.delete(name, reads),
        manage.rotate_secret(name, reads), deliveries.redeliver(NOWHERE, reads),
        deliveries.redeliver_failed(name, NOON, reads),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            await use


async def test_another_tenant_s_deliveries_cannot_be_redelivered(world: World) -> None:
    webhook = await world.webhook(access=ANN)
    await world.event(1, "ann")
    await world.deliver()
    (delivery,) = await world.of(webhook)
    ben = attrs.evolve(ANN, tenant="ben")

    with pytest.raises(NotFound):
        await world.deliveries.redeliver(delivery.id.value, ben)
    again = await world.deliveries.redeliver(delivery.id.value, ANN)
    assert again.is_pending
    await world.manage.delete(webhook.id.value, ANN)
    with pytest.raises(NotFound):
        await world.deliveries.redeliver(delivery.id.value, ANN)


async def test_what_fails_again_at_once_is_not_redelivered_again(world: World) -> None:
    webhook = await world.webhook(events=["session.created"])
    await world.event()
    world.sender.answer = lambda _url, _event_id: 410
    await world.deliver()
    world.clock.advance(timedelta(seconds=1))
    began = world.clock.now()

    with pytest.raises(InvalidInput, match="disabled"):
        await world.deliveries.redeliver_failed(webhook.id.value, began, SYSTEM)
    await world.manage.change(webhook.id.value, {"status": "enabled"}, SYSTEM)
    assert await world.deliveries.redeliver_failed(webhook.id.value, began, SYSTEM) == 1
    await world.deliver()
    assert len(await world.of(webhook, DeliveryStatus.FAILED)) == 1
    await world.manage.change(webhook.id.value, {"status": "enabled"}, SYSTEM)

    assert await world.deliveries.redeliver_failed(webhook.id.value, began, SYSTEM) == 0


async def test_what_was_redelivered_alone_is_redelivered_in_its_session_s_order(
    world: World,
) -> None:
    webhook = await world.webhook(events=["session.created"])
    world.sender.answer = lambda _url, _event_id: 410
    await world.event()
    await world.event()
    await world.deliver()
    await world.deliver()
    first, second = await world.of(webhook)
    alone = await world.deliveries.redeliver(first.id.value, SYSTEM)
    assert alone.lane == first.id.value
    await world.deliver()  # in vain: the webhook is disabled
    world.clock.advance(timedelta(seconds=1))
    await world.manage.change(webhook.id.value, {"status": "enabled"}, SYSTEM)

    now = world.clock.now()
    assert await world.deliveries.redeliver_failed(webhook.id.value, now, SYSTEM) == 2

    assert {each.lane for each in await world.of(webhook)} == {second.lane}


async def test_a_change_that_changes_nothing_is_not_stored(world: World) -> None:
    webhook = await world.webhook(description="CRM")

    same = await world.manage.change(webhook.id.value, {"description": "CRM"}, SYSTEM)
    paused = await world.manage.change(webhook.id.value, {"status": "disabled"}, SYSTEM)
    again = await world.manage.change(webhook.id.value, {"status": "disabled"}, SYSTEM)

    assert same == webhook
    assert paused.disabled_reason is DisabledReason.REQUEST
    assert again == paused


async def test_a_webhook_can_be_created_disabled(world: World) -> None:
    webhook = await world.webhook(status="disabled")

    assert webhook.disabled_reason is DisabledReason.REQUEST


async def test_changes_at_once_are_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await world.webhook()
    save, conflicts = world.memory.webhooks.save, 3

    async def contended(changed: Webhook) -> Webhook:
        nonlocal conflicts
        conflicts -= 1
        if conflicts >= 0:
            raise Conflict("changed")
        return await save(changed)

    monkeypatch.setattr(world.memory.webhooks, "save", contended)
    await world.manage.rotate_secret(webhook.id.value, SYSTEM)
    conflicts = 3
    await world.manage.change(webhook.id.value, {"events": ["call.ended"]}, SYSTEM)
    conflicts = 10**6
    with pytest.raises(WebhookChanged):
        await world.manage.rotate_secret(webhook.id.value, SYSTEM)
    with pytest.raises(WebhookChanged):
        await world.manage.change(webhook.id.value, {"events": ["*"]}, SYSTEM)


async def test_a_tenant_has_so_many_webhooks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manage_webhooks, "MAX_WEBHOOKS", 1)
    await world.webhook(access=ANN)

    with pytest.raises(WebhookLimitReached):
        await world.webhook(access=ANN)
    await world.webhook(access=attrs.evolve(ANN, tenant="ben"))


async def test_a_webhook_that_others_have_deleted_is_not_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await world.webhook()

    async def too_late(*_: object) -> bool:
        return False

    monkeypatch.setattr(world.memory.webhooks, "delete", too_late)
    with pytest.raises(NotFound):
        await world.manage.delete(webhook.id.value, SYSTEM)
    with pytest.raises(NotFound):
        await world.manage.by_id("none", SYSTEM)


async def test_new_events_are_forwarded_with_what_the_receiver_answered(world: World) -> None:
    forward = ForwardEvents(
        outbox=world.memory.outbox,
        send_event=world.send_event,
        clock=world.clock,
        ids=world.ids,
        secrets=Secrets(),
        body_of=lambda event: event.data.encode(),
    )
    await world.event()
    url = "http://127.0.0.1:8000"
    webhook = await forward.target(url, ["session.created"], None, SYSTEM)
    with pytest.raises(InvalidInput):
        await forward.target(url, ["*"], "short", SYSTEM)
    with pytest.raises(Forbidden):
        await forward.target(url, ["*"], None, ANN)
    stream = forward(webhook, SYSTEM)
    event = await world.event(2)

    forwarded = await anext(stream)

    assert (forwarded.event, forwarded.attempt.status_code) == (event, 204)
    assert world.sender.sent == [(url, event.id.value)]
    await stream.aclose()  # type: ignore[attr-defined]
