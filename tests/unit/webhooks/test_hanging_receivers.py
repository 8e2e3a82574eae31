"""However many receivers hang, those that answer get their events."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import attrs
import pytest

from application.workers.delivery_worker import DeliveryWorker
from application.workers.receiver import Receivers
from domain.access.access import Access, Scope
from domain.webhooks.delivery import LONGEST_WAIT, Attempt, DeliveryStatus
from domain.webhooks.send_event import SendEvent
from domain.webhooks.subscription import Webhook
from tests.unit.webhooks.world import World

ANN = Access(tenant="ann", scopes=frozenset({Scope.WEBHOOKS_WRITE}), sees_unowned=False)


@pytest.fixture
def world() -> World:
    return World()


def patient(world: World) -> DeliveryWorker:
    """A worker that waits for a receiver longer than a test does."""
    worker = world.worker(drain=timedelta(0))
    deliver = worker.deliver
    sending = SendEvent(sender=world.sender, clock=world.clock, limit=timedelta(hours=1))
    worker.deliver = attrs.evolve(deliver, send_event=sending)
    return worker


async def stop(worker: DeliveryWorker) -> None:
    tasks = [*worker._working]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def look(worker: DeliveryWorker) -> None:
    """Look a few times, with what follows from it."""
    for _ in range(4):
        await worker.look()
        for _ in range(100):
            await asyncio.sleep(0)


async def hanging(world: World, number: int, tenant: str | None) -> Webhook:
    access = ANN if tenant is None else attrs.evolve(ANN, tenant=tenant)
    return await world.webhook(f"hanging-{number}", access)


async def test_given_a_tenant_with_100_receivers_that_hang_another_s_gets_its_events(
    world: World,
) -> None:
    for number in range(100):
        await hanging(world, number, None)
    quick = await world.webhook("quick", attrs.evolve(ANN, tenant="ben"))
    world.sender.answer = lambda url, _event_id: 204 if url == quick.url else "hangs"
    for session in range(4):
        await world.event(session, "ann")
    worker = patient(world)
    await look(worker)
    await world.event(9, "ben")

    await look(worker)
    await stop(worker)

    assert len(await world.of(quick, DeliveryStatus.SUCCEEDED)) == 1


async def test_given_many_tenants_receivers_that_are_known_to_hang_a_quick_one_gets_its_events(
    world: World,
) -> None:
    for number in range(140):
        await hanging(world, number, f"tenant-{number}")
        await world.event(number, f"tenant-{number}")
    world.sender.answer = lambda _url, _event_id: 500
    worker = patient(world)
    await world.deliver(worker)
    quick = await world.webhook("quick", attrs.evolve(ANN, tenant="ben"))
    world.sender.answer = lambda url, _event_id: 204 if url == quick.url else "hangs"
    world.clock.advance(timedelta(minutes=1))
    await look(worker)
    await world.event(999, "ben")

    await look(worker)
    await stop(worker)

    assert len(await world.of(quick, DeliveryStatus.SUCCEEDED)) == 1


async def test_a_receiver_that_begins_to_hang_gets_no_more_than_what_is_under_way(
    world: World,
) -> None:
    await world.webhook()
    await world.event()
    worker = world.worker()
    await world.deliver(worker)
    world.sender.answer = lambda _url, _event_id: "hangs"
    for session in range(50):
        await world.event(session)
    before = len(world.sender.sent)

    await world.deliver(worker)

    assert len(world.sender.sent) - before == Receivers().of_receiver
    assert await world.memory.webhook_lanes.due(world.clock.now())


async def test_a_receiver_that_got_nothing_for_long_is_forgotten(world: World) -> None:
    webhook = await world.webhook()
    receivers = Receivers()
    receiver = receivers.begin(webhook.id)
    receiver.note(Attempt(at=world.clock.now(), status_code=204))
    assert receivers.free_lanes(webhook.id) == receivers.ahead - 1
    receivers.forget(world.clock.now() + 2 * LONGEST_WAIT)
    assert receivers.free_lanes(webhook.id) == receivers.ahead - 1

    receiver.lanes -= 1
    receivers.forget(world.clock.now())
    assert receivers.free_lanes(webhook.id) == receivers.ahead
    receivers.forget(world.clock.now() + 2 * LONGEST_WAIT)

    assert receivers.free_lanes(webhook.id) == receivers.of_slow
