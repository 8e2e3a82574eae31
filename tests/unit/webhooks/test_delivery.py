"""When a delivery is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta

import attrs
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.identifiers import DeliveryId
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


@given(number=st.integers(0, 2**48 - 1), retry_after=st.sampled_from([None, 0, 600, 3600, 10**6]))
def test_the_last_attempt_is_a_day_after_the_delivery_began(
    number: int, retry_after: int | None
) -> None:
    delivery_id = DeliveryId(f"00000000-0000-7000-8000-{number:012x}")
    delivery, at = attrs.evolve(DELIVERY, id=delivery_id), NOON
    wanted = None if retry_after is None else timedelta(seconds=retry_after)

    while delivery.is_pending:
        delivery = delivery.retried(attrs.evolve(REFUSED, at=at), wanted)
        at = (delivery.next_attempt_at or at) + timedelta(milliseconds=50)

    assert delivery.settled_at is not None
    assert timedelta(hours=23) <= delivery.settled_at - NOON
    assert delivery.settled_at - NOON <= GIVE_UP_AFTER + timedelta(seconds=1)


def test_a_delivery_is_tried_for_a_day_with_longer_and_longer_waits() -> None:
    delivery, at, waits = DELIVERY, NOON, list[timedelta]()
    while delivery.is_pending:
        delivery = delivery.retried(attrs.evolve(REFUSED, at=at), None)
        if delivery.next_attempt_at is not None:
            waits.append(delivery.next_attempt_at - at)
            at = delivery.next_attempt_at

    assert delivery.status is DeliveryStatus.FAILED
    assert delivery.settled_at == at
    *before, last = waits
    assert before == sorted(before)
    for wait, least in zip(before, RETRY_DELAYS, strict=False):
        assert least <= wait <= least * 1.1
    assert last >= RETRY_DELAYS[0]
    assert at - NOON == GIVE_UP_AFTER
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
        delivery = delivery.redelivered(NOON, in_lane="a").failed(attempt)

    assert len(delivery.attempts) == MAX_ATTEMPTS_KEPT
    assert delivery.attempts[-1].duration_ms == 49


def test_a_redelivery_has_a_day_of_its_own() -> None:
    later = NOON + timedelta(days=3)
    again = DELIVERY.failed(REFUSED).redelivered(later, in_lane=None)

    assert again.lane == again.id.value
    assert again.retried(attrs.evolve(REFUSED, at=later), None).is_pending
