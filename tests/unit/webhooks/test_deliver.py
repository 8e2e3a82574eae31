"""What follows from a receiver's answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.access.access import SYSTEM, Access, Scope
from domain.events.domain_event import EventKind, StoredEvent
from domain.shared.errors import StorageUnavailable, Unreadable
from domain.webhooks.deliver import IS_DISABLED, NO_EVENT
from domain.webhooks.delivery import Delivery, DeliveryStatus
from domain.webhooks.delivery_sender import Answer
from domain.webhooks.fan_out import WAS_DISABLED
from domain.webhooks.prune_events import PruneEvents
from domain.webhooks.subscription import MAX_PREVIOUS, DisabledReason, Webhook, WebhookStatus
from domain.webhooks.try_webhook import TryWebhook
from tests.unit.webhooks.world import FakeSender, World

DAY = timedelta(days=1)


@pytest.fixture
def world() -> World:
    return World()


async def test_one_slow_session_and_one_slow_receiver_hold_up_no_other(world: World) -> None:
    first = await world.webhook("slow")
    second = await world.webhook("quick")
    stuck = await world.event(1)
    world.sender.answer = lambda url, event_id: (
        500 if url == first.url and event_id == stuck.id.value else 204
    )
    await world.event(1)
    await world.event(2)

    await world.deliver()

    pending = await world.of(first, DeliveryStatus.PENDING)
    assert [delivery.position for delivery in pending] == [1, 2]
    assert [delivery.position for delivery in await world.of(first, DeliveryStatus.SUCCEEDED)] == [
        3
    ]
    assert len(await world.of(second, DeliveryStatus.SUCCEEDED)) == 3
    assert world.outcomes.count("retried") == 1


async def test_a_lane_goes_on_after_a_day(world: World) -> None:
    webhook = await world.webhook()
    stuck = await world.event()
    world.sender.answer = lambda _url, event_id: 400 if event_id == stuck.id.value else 204
    await world.event()
    other = await world.event(2)

    for hour in range(30):
        if hour == 12:
            await world.event(3)  # which succeeds, so that the webhook is not disabled
        await world.deliver()
        world.clock.advance(timedelta(hours=1))

    first, second, third, _ = await world.of(webhook)
    assert (first.status, first.failures) == (DeliveryStatus.FAILED, len(first.attempts))
    assert {second.status, third.status} == {DeliveryStatus.SUCCEEDED}
    assert third.event_id == other.id
    assert world.outcomes.count("failed") == 1


async def test_a_receiver_that_is_gone_is_disabled_with_an_event(world: World) -> None:
    webhook = await world.webhook()
    watching = await world.webhook("watching", events=["webhook.disabled"])
    world.sender.answer = lambda url, _event_id: 410 if url == webhook.url else 204
    await world.event()
    await world.event()

    await world.deliver()
    await world.deliver()

    disabled = await world.stored(webhook.id)
    assert (disabled.status, disabled.disabled_reason) == (
        WebhookStatus.DISABLED, DisabledReason.GONE,
    )  # fmt: skip
    first, second, event = await world.of(webhook)
    assert first.attempts[-1].status_code == 410
    assert second.attempts[-1].error == IS_DISABLED
    assert event.attempts[-1].error == WAS_DISABLED
    assert [each.event for each in await world.of(watching)] == ["webhook.disabled"]
    assert sum(url == webhook.url for url, _ in world.sender.sent) == 1


async def test_a_receiver_that_fails_for_a_day_is_disabled_and_then_resumed(world: World) -> None:
    webhook = await world.webhook(events=["session.created"])
    world.sender.answer = lambda _url, _event_id: "could not be reached"

    for _ in range(26):
        await world.event()
        await world.deliver()
        assert (await world.stored(webhook.id)).is_enabled == (
            world.clock.now() - webhook.created_at < DAY
        )
        world.clock.advance(timedelta(hours=1))
    disabled = await world.stored(webhook.id)
    assert disabled.disabled_reason is DisabledReason.FAILING
    await world.deliver()
    assert {each.status for each in await world.of(webhook)} == {DeliveryStatus.FAILED}

    resumed = await world.manage.change(webhook.id.value, {"status": "enabled"}, SYSTEM)
    assert resumed.is_enabled
    assert resumed.failing_since is None
    world.sender.answer = lambda _url, _event_id: 200
    now = world.clock.now() + timedelta(seconds=1)
    number = await world.deliveries.redeliver_failed(webhook.id.value, now, SYSTEM)
    assert await world.deliveries.redeliver_failed(webhook.id.value, now, SYSTEM) == 0
    before = len(world.sender.sent)
    await world.deliver()

    assert number == 26
    assert {each.status for each in await world.of(webhook)} == {DeliveryStatus.SUCCEEDED}
    sent = [event_id for _, event_id in world.sender.sent[before:]]
    assert sent == [each.event_id.value for each in await world.of(webhook)]


async def test_a_success_in_between_starts_the_day_again(world: World) -> None:
    webhook = await world.webhook()
    world.sender.answer = lambda _url, _event_id: 500
    await world.event(1)
    await world.deliver()
    assert (await world.stored(webhook.id)).failing_since is not None
    world.sender.answer = lambda _url, _event_id: 204
    await world.event(2)

    await world.deliver()

    assert (await world.stored(webhook.id)).failing_since is None


async def test_an_event_that_is_stored_no_more_is_given_up_with_the_reason(world: World) -> None:
    webhook = await world.webhook()
    await world.event()
    worker = world.worker()
    await worker.fan_out()
    world.memory.outbox.stored.clear()

    await world.deliver(worker)

    (delivery,) = await world.of(webhook)
    assert (delivery.status, delivery.attempts[-1].error) == (DeliveryStatus.FAILED, NO_EVENT)
    assert world.sender.sent == []


async def test_given_events_that_cannot_be_enqueued_then_what_waits_is_delivered(
    world: World,
) -> None:
    webhook = await world.webhook()
    await world.event()
    worker = world.worker()
    await worker.fan_out()

    async def fails() -> bool:
        raise Unreadable("event 2")

    worker.fan_out = fails  # type: ignore[assignment]
    await world.deliver(worker)

    assert len(await world.of(webhook, DeliveryStatus.SUCCEEDED)) == 1


async def test_an_event_that_this_version_cannot_read_has_the_retries_of_any_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await world.webhook()
    await world.event()

    async def unreadable(*_: object) -> StoredEvent:
        raise Unreadable("The stored event cannot be read.")

    with monkeypatch.context() as patched:
        patched.setattr(world.memory.outbox, "find", unreadable)
        await world.deliver()
    (delivery,) = await world.of(webhook)
    world.clock.advance(timedelta(minutes=1))
    await world.deliver()

    assert delivery.attempts[-1].error == "The stored event cannot be read."
    assert (delivery.failures, delivery.is_pending) == (1, True)
    assert (await world.stored(webhook.id)).failing_since is None
    assert len(await world.of(webhook, DeliveryStatus.SUCCEEDED)) == 1


async def test_a_webhook_that_is_added_late_does_not_wait_for_the_events_before_it(
    world: World,
) -> None:
    await world.webhook("early")
    await world.event()
    await world.deliver()
    for webhook in await world.memory.webhooks.all([], SYSTEM):
        await world.memory.webhooks.delete(webhook.id, SYSTEM)
    for _ in range(2000):
        await world.event()
    worker = world.worker()
    assert not await worker.look()
    late = await world.webhook("late")
    await world.event(2)

    assert await worker.look()
    await world.deliver(worker)

    assert [each.position for each in await world.of(late)] == [2002]


async def test_no_event_is_pruned_while_a_webhook_is_still_to_get_old_ones(world: World) -> None:
    memory = world.memory
    prune = PruneEvents(
        outbox=memory.outbox, webhooks=memory.webhooks, deliveries=memory.webhook_deliveries
    )
    webhook = await world.webhook()
    await world.event()
    world.clock.advance(timedelta(days=7))  # the service stood still

    assert await prune(world.clock.now()) == 0
    await world.deliver()
    assert len(await world.of(webhook, DeliveryStatus.SUCCEEDED)) == 1
    assert await prune(world.clock.now()) == 1

    await world.event()
    await world.memory.webhooks.delete(webhook.id, SYSTEM)
    assert await prune(world.clock.now() + DAY) == 1


async def test_a_look_without_new_events_reads_no_webhooks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.webhook()
    await world.event()
    worker = world.worker()
    await world.deliver(worker)

    async def read(*_: object) -> list[Webhook]:
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr(world.memory.webhooks, "all", read)
        await worker.fan_out()


async def test_what_waits_for_a_deleted_webhook_is_dropped(world: World) -> None:
    webhook = await world.webhook()
    await world.event()
    worker = world.worker()
    await worker.fan_out()
    await world.memory.webhooks.delete(webhook.id, SYSTEM)

    await world.deliver(worker)

    assert world.sender.sent == []
    assert (await world.memory.ledger_stats()).pending_deliveries == 0


async def test_a_receiver_that_hangs_is_left_in_time(world: World) -> None:
    webhook = await world.webhook()
    world.sender.answer = lambda _url, _event_id: "hangs"
    await world.event()

    await world.deliver()

    (delivery,) = await world.of(webhook)
    assert delivery.attempts[-1].error == "The receiver did not answer within 0.05 s."
    assert delivery.is_pending


async def test_a_defect_in_sending_counts_as_a_failed_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await world.webhook()
    await world.event()

    async def defect(*_: object) -> Answer:
        raise OverflowError("something of the receiver's")

    monkeypatch.setattr(FakeSender, "send", defect)

    await world.deliver()

    (delivery,) = await world.of(webhook)
    assert (delivery.failures, delivery.is_pending) == (1, True)
    assert delivery.attempts[-1].error == "The request failed unexpectedly (OverflowError)."


@pytest.mark.parametrize("status", [0, 99, 600, 999])
async def test_a_status_that_http_does_not_have_is_no_status(world: World, status: int) -> None:
    webhook = await world.webhook()
    world.sender.answer = lambda _url, _event_id: status
    await world.event()

    await world.deliver()

    (delivery,) = await world.of(webhook)
    attempt = delivery.attempts[-1]
    assert (attempt.status_code, delivery.is_pending) == (None, True)
    assert attempt.error == "The receiver answered with a status that HTTP does not have."


async def test_retry_after_is_passed_on(world: World) -> None:
    webhook = await world.webhook()
    world.sender.answer = lambda _url, _event_id: Answer(status=429, retry_after_seconds=600.0)
    await world.event()

    await world.deliver()

    (delivery,) = await world.of(webhook)
    assert delivery.next_attempt_at == world.clock.now() + timedelta(seconds=600)


async def test_only_what_a_webhook_wants_and_its_creator_may_see_is_delivered(
    world: World,
) -> None:
    scopes = frozenset({Scope.WEBHOOKS_WRITE})
    ann = Access(tenant="ann", scopes=scopes, sees_unowned=False)
    wide = Access(tenant="ann", scopes=scopes, sees_unowned=True)
    await world.event(9, "ann")  # before any webhook
    hooks = {
        "narrow": await world.webhook("narrow", ann),
        "wide": await world.webhook("wide", wide),
        "all": await world.webhook("all"),
        "kind": await world.webhook("kind", events=["call.ended"]),
    }
    for tenant in ("ann", "ben", None):
        await world.event(1, tenant)
    await world.event(2, "ben", EventKind.CALL_ENDED)

    await world.deliver()

    got = {name: [each.position for each in await world.of(hook)] for name, hook in hooks.items()}
    assert got == {"narrow": [2], "wide": [2, 4], "all": [2, 3, 4, 5], "kind": [5]}


async def test_a_secret_that_is_replaced_signs_for_a_day(world: World) -> None:
    webhook = await world.webhook()
    rotated = await world.manage.rotate_secret(webhook.id.value, SYSTEM)
    await world.event()
    await world.deliver()
    world.clock.advance(DAY)
    await world.event()
    await world.deliver()

    both, one = world.sender.secrets
    assert both == [rotated.secret, webhook.secret]
    assert one == [rotated.secret]


async def test_secrets_that_are_replaced_within_a_day_all_sign_for_a_day(world: World) -> None:
    webhook = await world.webhook()
    made, manage = [webhook.secret], world.manage
    for _ in range(2):
        made.append((await manage.rotate_secret(webhook.id.value, SYSTEM)).secret)
        world.clock.advance(timedelta(hours=1))
    await world.event()
    await world.deliver()
    for _ in range(9):
        await world.manage.rotate_secret(webhook.id.value, SYSTEM)

    assert world.sender.secrets == [made[::-1]]
    assert len((await world.stored(webhook.id)).secrets(world.clock.now())) == 1 + MAX_PREVIOUS


async def test_a_test_is_sent_at_once_and_stored_nowhere(world: World) -> None:
    webhook = await world.webhook()
    try_webhook = TryWebhook(
        webhooks=world.memory.webhooks,
        send_event=world.send_event,
        clock=world.clock,
        ids=world.ids,
        body_of=lambda event: event.data.encode(),
    )
    world.sender.answer = lambda _url, _event_id: 302

    attempt = await try_webhook(webhook.id.value, SYSTEM)

    assert attempt.error is not None
    assert "redirect" in attempt.error
    assert world.memory.outbox.stored == []
    assert (await world.stored(webhook.id)).failing_since is None


async def test_a_storage_that_fails_ends_no_worker_and_loses_nothing(world: World) -> None:
    webhook = await world.webhook()
    await world.event()
    worker = world.worker()
    settle, failures = world.memory.webhook_lanes.settle, [StorageUnavailable("down")]

    async def failing(*arguments: Any) -> bool:
        if failures:
            raise failures.pop()
        return await settle(*arguments)

    world.memory.webhook_lanes.settle = failing  # type: ignore[method-assign, assignment]
    await world.deliver(worker)
    world.clock.advance(timedelta(seconds=5))
    await world.deliver(worker)

    (delivery,) = await world.of(webhook)
    assert delivery.status is DeliveryStatus.SUCCEEDED
    assert len(world.sender.sent) == 2


async def test_a_worker_that_is_stopped_gives_its_lanes_back(world: World) -> None:
    await world.webhook()
    await world.event()
    world.sender.answer = lambda _url, _event_id: "hangs"
    worker = world.worker(drain=timedelta(0))
    running = asyncio.create_task(worker.run())
    while not world.sender.sent:  # noqa: ASYNC110 - no event is there to wait for
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    world.sender.answer = lambda _url, _event_id: 204

    await world.deliver()

    assert [event_id for _, event_id in world.sender.sent] == [world.sender.sent[0][1]] * 2


class Lost:
    """Says that this process may have lost what it held."""

    def may_have_lost(self, holder: str) -> bool:
        return bool(holder)


async def test_a_process_that_was_declared_dead_sends_nothing_of_a_lane_that_it_lost(
    world: World,
) -> None:
    webhook = await world.webhook()
    await world.event()
    await world.event()
    worker = world.worker(liveness=Lost())
    sent: list[Delivery] = []

    async def lose(delivery: Delivery) -> Delivery:
        sent.append(delivery)
        world.memory.webhook_lanes.free("")
        return delivery

    worker.deliver = lose  # type: ignore[assignment]
    await worker.look()
    await worker.idle()

    assert len(sent) == 1
    assert len(await world.of(webhook, DeliveryStatus.PENDING)) == 2
