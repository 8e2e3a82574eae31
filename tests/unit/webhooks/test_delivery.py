"""When a delivery is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.webhooks.delivery import (
    GIVE_UP_AFTER,
    LONGEST_WAIT,
    MAX_ATTEMPTS_KEPT,
    RETRY_DELAYS,
    Attempt,
    DeliveryStatus,
)
from tests.contract.storage.ledgers import NOON
from tests.contract.webhooks.examples import new_delivery, new_webhook

REFUSED = Attempt(at=NOON, status_code=500, error="x")
DELIVERY = new_delivery(new_webhook(), 1)


def test_a_delivery_is_tried_for_a_day_with_longer_and_longer_waits() -> None:
    delivery, at, waits = DELIVERY, NOON, list[timedelta]()
    while delivery.is_pending:
        delivery = delivery.retried(attrs.evolve(REFUSED, at=at), None)
        if delivery.next_attempt_at is not None:
            waits.append(delivery.next_attempt_at - at)
            at = delivery.next_attempt_at

    assert delivery.status is DeliveryStatus.FAILED
    assert delivery.settled_at == at
    assert waits == sorted(waits)
    for wait, least in zip(waits, RETRY_DELAYS, strict=False):
        assert least <= wait <= least * 1.1
    assert timedelta(hours=14) < at - NOON <= GIVE_UP_AFTER
    assert max(waits) < LONGEST_WAIT


def test_retry_after_is_followed_up_to_an_hour_and_never_shortens_a_wait() -> None:
    def wait(retry_after: timedelta) -> timedelta:
        delivery = DELIVERY.retried(REFUSED, retry_after)
        assert delivery.next_attempt_at is not None
        return delivery.next_attempt_at - NOON

    assert wait(timedelta(minutes=7)) == timedelta(minutes=7)
    assert wait(timedelta(days=999)) == timedelta(hours=1)
    assert wait(timedelta(0)) >= RETRY_DELAYS[0]


def test_what_waited_behind_another_for_its_day_has_one_attempt() -> None:
    late = attrs.evolve(REFUSED, at=NOON + timedelta(hours=25))

    assert DELIVERY.retried(late, None).status is DeliveryStatus.FAILED
    assert DELIVERY.succeeded(late).status is DeliveryStatus.SUCCEEDED


def test_the_latest_attempts_are_kept() -> None:
    delivery = DELIVERY
    for number in range(50):
        attempt = attrs.evolve(REFUSED, duration_ms=number)
        delivery = delivery.redelivered(NOON, in_order=True).failed(attempt)

    assert len(delivery.attempts) == MAX_ATTEMPTS_KEPT
    assert delivery.attempts[-1].duration_ms == 49


def test_a_redelivery_has_a_day_of_its_own() -> None:
    later = NOON + timedelta(days=3)
    again = DELIVERY.failed(REFUSED).redelivered(later, in_order=False)

    assert again.lane == again.id.value
    assert again.retried(attrs.evolve(REFUSED, at=later), None).is_pending
