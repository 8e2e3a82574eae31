"""What the ports say of deliveries and their lanes, one sentence after another."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Final

import attrs
import pytest
from sqlalchemy import create_engine

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.schema.metadata import metadata
from adapters.sqlalchemy.storage import SqlStorage
from adapters.sqlalchemy.webhooks.lane_statements import CLAIM, DUE, HASTEN_LATE
from adapters.sqlalchemy.webhooks.table import webhook_deliveries, webhook_lanes, webhooks
from domain.access.access import SYSTEM
from domain.shared.pagination import Cursor
from domain.webhooks.delivery import Attempt, Delivery, DeliveryStatus
from domain.webhooks.lane_repository import LaneClaim
from domain.webhooks.subscription import Reach, Webhook
from tests.contract.storage.ledgers import NOON, access_of, new_session, opened
from tests.contract.webhooks.examples import SECOND, new_delivery, new_webhook

Ledger = MemoryStorage | SqlStorage
SOON: Final = NOON + 20 * SECOND
ANN, BEN = access_of("ann"), access_of("ben")
DONE: Final = Attempt(at=NOON, status_code=204, duration_ms=7)
REFUSED: Final = Attempt(at=NOON, status_code=500, error="The receiver answered with 500.")


@pytest.fixture
async def webhook(ledger: Ledger) -> Webhook:
    webhook = new_webhook()
    await ledger.webhooks.add(webhook)
    return webhook


async def enqueue(ledger: Ledger, *deliveries: Delivery) -> None:
    before = await ledger.webhook_deliveries.cursor()
    after = max(delivery.position for delivery in deliveries)
    assert await ledger.webhook_deliveries.fan_out(deliveries, before, after)


async def claim(
    ledger: Ledger, webhook: Webhook, holder: str = "me", most: int = 10
) -> list[LaneClaim]:
    limits = {webhook.id: most}
    return await ledger.webhook_lanes.claim(limits, holder, NOON, SOON)


async def waiting(ledger: Ledger, claim: LaneClaim) -> list[Delivery] | None:
    found = await ledger.webhook_lanes.waiting(claim, 10)
    return None if found is None else list(found.deliveries)


async def test_deliveries_are_enqueued_once_and_the_cursor_moves_with_them(
    ledger: Ledger, webhook: Webhook
) -> None:
    deliveries = ledger.webhook_deliveries
    first, second = new_delivery(webhook, 3), new_delivery(webhook, 5)
    again = attrs.evolve(new_delivery(webhook, 3), event_id=first.event_id)

    assert await deliveries.cursor() is None
    assert await deliveries.fan_out([first], None, 3)
    assert not await deliveries.fan_out([second], None, 5)
    assert not await deliveries.fan_out([second], 2, 5)
    assert await deliveries.fan_out([again, second], 3, 5)

    assert await deliveries.cursor() == 5
    assert await deliveries.get(first.id, ANN) == first
    assert await deliveries.get(again.id, SYSTEM) is None
    assert await deliveries.get(second.id, BEN) is None


async def test_of_many_who_enqueue_at_once_one_does(sql_url: str) -> None:
    async with opened(sql_url) as one, opened(sql_url) as other:
        webhook = new_webhook()
        await one.webhooks.add(webhook)
        cursor = None
        for turn in range(1, 6):
            tried = await asyncio.gather(
                *(
                    ledger.webhook_deliveries.fan_out([new_delivery(webhook, turn)], cursor, turn)
                    for ledger in (one, other, one, other)
                )
            )
            assert tried.count(True) == 1
            cursor = turn
        assert len(await one.webhook_deliveries.page(webhook.id, None, None, 99, access=ANN)) == 5


async def test_a_lane_is_claimed_by_one_and_its_deliveries_are_in_order(
    ledger: Ledger, webhook: Webhook
) -> None:
    later, first = new_delivery(webhook, 2), new_delivery(webhook, 1)
    await enqueue(ledger, later, first, new_delivery(webhook, 3, "b"))

    assert await ledger.webhook_lanes.due(NOON) == [webhook.id]
    claims = await claim(ledger, webhook)

    assert {one.lane for one in claims} == {"a", "b"}
    assert await claim(ledger, webhook, "other") == []
    assert await ledger.webhook_lanes.due(NOON) == []
    of_a = next(one for one in claims if one.lane == "a")
    assert await waiting(ledger, of_a) == [first, later]
    assert await waiting(ledger, attrs.evolve(of_a, holder="other")) is None


async def test_a_webhook_s_lanes_are_claimed_up_to_its_limit(
    ledger: Ledger, webhook: Webhook
) -> None:
    await enqueue(ledger, *(new_delivery(webhook, n, f"lane-{n}") for n in range(5)))

    assert len(await claim(ledger, webhook, most=2)) == 2
    assert len(await claim(ledger, webhook, most=9)) == 3


async def test_what_became_of_a_delivery_is_stored_by_who_has_the_lane(
    ledger: Ledger, webhook: Webhook
) -> None:
    delivery = new_delivery(webhook, 1)
    await enqueue(ledger, delivery)
    [mine] = await claim(ledger, webhook)
    done = delivery.succeeded(DONE)

    assert not await ledger.webhook_lanes.settle(done, attrs.evolve(mine, holder="other"))
    assert await ledger.webhook_lanes.settle(done, mine)
    assert not await ledger.webhook_lanes.settle(done, mine)

    assert await ledger.webhook_deliveries.get(delivery.id, ANN) == done
    assert await waiting(ledger, mine) == []


async def test_an_empty_lane_is_removed_unless_something_was_added(
    ledger: Ledger, webhook: Webhook
) -> None:
    await enqueue(ledger, new_delivery(webhook, 1))
    [mine] = await claim(ledger, webhook)
    seen = await ledger.webhook_lanes.waiting(mine, 10)
    assert seen is not None
    await enqueue(ledger, new_delivery(webhook, 2))

    assert not await ledger.webhook_lanes.finish(mine, seen.version)
    again = await ledger.webhook_lanes.waiting(mine, 10)
    assert again is not None
    assert len(again.deliveries) == 2
    assert not await ledger.webhook_lanes.finish(attrs.evolve(mine, holder="x"), again.version)
    assert await ledger.webhook_lanes.finish(mine, again.version)
    assert await waiting(ledger, mine) is None


async def test_a_lane_waits_for_the_retry_of_its_first(ledger: Ledger, webhook: Webhook) -> None:
    delivery = new_delivery(webhook, 1)
    await enqueue(ledger, delivery)
    [mine] = await claim(ledger, webhook)
    failed = delivery.retried(REFUSED, None)
    assert failed.next_attempt_at is not None

    assert await ledger.webhook_lanes.postpone(failed, mine)
    await enqueue(ledger, new_delivery(webhook, 2))

    assert await claim(ledger, webhook) == []
    limits = {webhook.id: 9}
    [again] = await ledger.webhook_lanes.claim(limits, "b", failed.next_attempt_at, SOON)
    found = await waiting(ledger, again)
    assert found is not None
    assert [one.position for one in found] == [1, 2]
    assert found[0] == failed


async def test_given_a_clock_that_was_set_back_then_a_lane_is_due(
    ledger: Ledger, webhook: Webhook
) -> None:
    delivery = new_delivery(webhook, 1, next_attempt_at=NOON + timedelta(days=3))
    await enqueue(ledger, delivery)

    await ledger.webhook_lanes.lapse(NOON, SOON)

    assert len(await claim(ledger, webhook)) == 1


async def test_a_look_for_due_lanes_reads_none_that_waits_for_a_retry(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    metadata.create_all(engine, tables=[webhooks, webhook_deliveries, webhook_lanes])
    values = {"now": 0, "horizon": 0, "of_webhook": "", "most": 1, "by": "", "until": 0}

    with engine.connect() as connection:
        for statement in (DUE.query, CLAIM, HASTEN_LATE):
            compiled = statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
            given = tuple(values.get(name, 0) for name in compiled.positiontup)
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", given).all()
            assert any(
                re.search(r"ix_webhook_lanes_due \(webhook_id=\? AND due_at[<>]\?\)", row[3])
                for row in plan
            ), plan
    engine.dispose()


async def test_leases_lapse_unless_they_are_renewed(ledger: Ledger, webhook: Webhook) -> None:
    await enqueue(ledger, new_delivery(webhook, 1, "a"), new_delivery(webhook, 2, "b"))
    [old] = await claim(ledger, webhook, "old", most=1)
    [kept] = await claim(ledger, webhook, "kept", most=1)

    await ledger.webhook_lanes.renew(["kept"], SOON + 20 * SECOND)
    await ledger.webhook_lanes.lapse(SOON, SOON + 60 * SECOND)

    assert await waiting(ledger, old) is None
    assert await waiting(ledger, kept) is not None
    await ledger.webhook_lanes.lapse(NOON, NOON + SECOND)  # the clock was set back
    assert await waiting(ledger, kept) is None


async def test_a_lane_that_is_released_is_due_when_its_holder_says(
    ledger: Ledger, webhook: Webhook
) -> None:
    await enqueue(ledger, new_delivery(webhook, 1))
    [mine] = await claim(ledger, webhook)

    await ledger.webhook_lanes.release(attrs.evolve(mine, holder="other"), NOON)
    assert await waiting(ledger, mine) is not None
    await ledger.webhook_lanes.release(mine, NOON + SECOND)

    assert await claim(ledger, webhook) == []
    limits = {webhook.id: 1}
    assert await ledger.webhook_lanes.claim(limits, "me", NOON + SECOND, SOON)


async def test_when_a_process_dies_its_lanes_are_free(ledger: Ledger, webhook: Webhook) -> None:
    await ledger.processes.register("dead", NOON, alone=False)
    await enqueue(ledger, new_delivery(webhook, 1))
    await claim(ledger, webhook, "dead.1")

    await ledger.processes.free("dead")

    assert len(await claim(ledger, webhook)) == 1


async def test_a_delivery_that_is_redelivered_overtakes_its_lane(
    ledger: Ledger, webhook: Webhook
) -> None:
    first, second = new_delivery(webhook, 1), new_delivery(webhook, 2)
    await enqueue(ledger, first, second)
    [mine] = await claim(ledger, webhook)
    again = second.redelivered(NOON, in_lane=None)

    assert await ledger.webhook_deliveries.redeliver([again], NOON) == 1

    [other] = await claim(ledger, webhook)
    assert other.lane == second.id.value
    assert await waiting(ledger, other) == [again]
    assert await waiting(ledger, mine) == [first]
    assert not await ledger.webhook_lanes.settle(second.succeeded(DONE), mine)


async def test_failed_deliveries_are_redelivered_in_their_order(
    ledger: Ledger, webhook: Webhook
) -> None:
    failed = [new_delivery(webhook, n).failed(REFUSED) for n in (3, 1, 2)]
    await enqueue(ledger, *failed)
    assert await claim(ledger, webhook) == []

    oldest_failed, later = ledger.webhook_deliveries.oldest_failed, NOON + SECOND
    assert await oldest_failed(webhook.id, NOON, 9, ANN) == []
    assert await oldest_failed(webhook.id, later, 9, BEN) == []
    found = await oldest_failed(webhook.id, later, 9, ANN)
    assert [one.position for one in found] == [1, 2, 3]
    again = [one.redelivered(NOON, in_lane=one.lane) for one in found]
    await ledger.webhook_deliveries.redeliver(again, NOON)

    [mine] = await claim(ledger, webhook)
    assert await waiting(ledger, mine) == again


async def test_what_waits_for_a_deleted_webhook_is_removed(
    ledger: Ledger, webhook: Webhook
) -> None:
    await enqueue(ledger, new_delivery(webhook, 1), new_delivery(webhook, 2, "b"))
    [mine, _] = await claim(ledger, webhook)
    await ledger.webhook_lanes.drop(mine)
    assert await waiting(ledger, mine) is None

    await ledger.webhook_deliveries.remove_pending(webhook.id)

    assert await ledger.webhook_deliveries.page(webhook.id, None, None, 9, access=ANN) == []
    stats = await ledger.ledger_stats()
    assert (stats.pending_deliveries, stats.deliveries_since) == (0, None)


async def test_lists_are_filtered_by_status_and_in_order_of_age(
    ledger: Ledger, webhook: Webhook
) -> None:
    made = [new_delivery(webhook, n, f"lane-{n}") for n in range(3)]
    made[1] = made[1].failed(REFUSED)
    await enqueue(ledger, *made)

    async def page(status: DeliveryStatus | None, after: Cursor | None = None) -> list[Delivery]:
        return await ledger.webhook_deliveries.page(webhook.id, status, after, 2, access=ANN)

    assert await page(None) == [made[2], made[1]]
    assert await page(None, Cursor(*made[1].age)) == [made[0]]
    assert await page(DeliveryStatus.PENDING) == [made[2], made[0]]
    assert await page(DeliveryStatus.FAILED) == [made[1]]
    stats = await ledger.ledger_stats()
    assert (stats.pending_deliveries, stats.deliveries_since) == (2, made[0].created_at)


async def test_settled_deliveries_are_pruned(ledger: Ledger, webhook: Webhook) -> None:
    old = new_delivery(webhook, 1).failed(REFUSED)
    new = new_delivery(webhook, 2).succeeded(attrs.evolve(DONE, at=NOON + SECOND))
    pending = new_delivery(webhook, 3)
    await enqueue(ledger, old, new, pending)

    assert await ledger.webhook_deliveries.prune(NOON + SECOND) == 1

    left = await ledger.webhook_deliveries.page(webhook.id, None, None, 9, access=ANN)
    assert left == [pending, new]


async def test_what_waits_for_no_webhook_is_deleted(sql_url: str) -> None:
    """Another process may enqueue deliveries of a webhook that is being deleted."""
    async with opened(sql_url) as ledger:
        kept, gone, other = new_webhook(), new_webhook(), new_webhook()
        await ledger.webhooks.add(kept)
        settled = new_delivery(gone, 5).failed(REFUSED)
        waits = [new_delivery(one, n) for n, one in enumerate((gone, kept, other, gone), 1)]
        await enqueue(ledger, *waits, settled)

        assert await ledger.webhook_deliveries.prune(NOON) == 0

        left = [await ledger.webhook_deliveries.get(one.id, SYSTEM) for one in (*waits, settled)]
        assert left == [None, waits[1], None, None, settled]
        assert await ledger.webhook_lanes.due(NOON) == [kept.id]


async def test_of_many_who_claim_at_once_each_lane_has_one(sql_url: str) -> None:
    async with opened(sql_url) as one, opened(sql_url) as other:
        webhook = new_webhook()
        await one.webhooks.add(webhook)
        await enqueue(one, *(new_delivery(webhook, n, f"lane-{n}") for n in range(1, 41)))

        found = await asyncio.gather(
            *(claim([one, other][n % 2], webhook, f"holder-{n}", most=8) for n in range(8))
        )

        lanes = [each.lane for claims in found for each in claims]
        assert len(lanes) == len(set(lanes))


async def test_the_deliveries_of_a_lane_are_those_of_its_events_to_the_visible_webhooks(
    ledger: Ledger, webhook: Webhook
) -> None:
    session = new_session(tenant="ann")
    async with ledger.unit_of_work() as work:
        await work.sessions.add(session)
        await work.sessions.add(new_session(tenant="ann"))
        await work.commit()
    _, event, of_other = await ledger.outbox.after(0, 10)
    everyones = new_webhook(reach=Reach(tenant="ben", sees_all=True))
    await ledger.webhooks.add(everyones)
    mine = new_delivery(webhook, 1, event.lane, event_id=event.id)
    admins = new_delivery(everyones, 2, event.lane, event_id=event.id)
    other = new_delivery(webhook, 3, of_other.lane, event_id=of_other.id)
    await enqueue(ledger, mine, admins, other)
    alone = mine.failed(REFUSED).redelivered(NOON, in_lane=None)
    await ledger.webhook_deliveries.redeliver([alone], NOON)
    in_lane, lane = ledger.webhook_deliveries.in_lane, event.lane

    assert await in_lane(lane, None, None, None, 9, SYSTEM) == [admins, alone]
    assert await in_lane(lane, None, None, Cursor(*admins.age), 9, SYSTEM) == [alone]
    assert await in_lane(lane, None, None, None, 1, SYSTEM) == [admins]
    assert await in_lane(lane, event.id, None, None, 9, ANN) == [alone]
    assert await in_lane(lane, of_other.id, None, None, 9, ANN) == []
    assert await in_lane(lane, None, DeliveryStatus.FAILED, None, 9, ANN) == []
    assert await in_lane(lane, None, None, None, 9, BEN) == []
