"""What the port says of leases, one sentence after another."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from domain.operations.leases import Leases
from tests.contract.storage.ledgers import NOON, opened

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


async def acquire(leases: Leases, holder: str, at: timedelta = timedelta()) -> bool:
    return await leases.acquire("reconcile", holder, NOON + at, NOON + at + 6 * SECOND, MINUTE)


async def test_one_has_it_and_may_prolong_it_and_the_others_wait(leases: Leases) -> None:
    assert await acquire(leases, "a")
    assert not await acquire(leases, "b")
    assert await acquire(leases, "a", 5 * SECOND)
    assert not await acquire(leases, "b", 10 * SECOND)
    assert await leases.acquire("another", "b", NOON, NOON + SECOND, MINUTE)


async def test_a_dead_holder_is_followed_when_the_lease_is_over(leases: Leases) -> None:
    assert await acquire(leases, "dead")
    assert await acquire(leases, "b", 6 * SECOND)
    assert not await acquire(leases, "dead", 7 * SECOND)


async def test_it_is_free_for_everybody_from_the_time_that_its_holder_says(leases: Leases) -> None:
    assert await acquire(leases, "a")
    await leases.release("reconcile", "a", NOON + 10 * SECOND)
    assert not await acquire(leases, "a", 9 * SECOND)
    assert not await acquire(leases, "b", 9 * SECOND)
    assert await acquire(leases, "b", 10 * SECOND)


async def test_given_a_clock_that_was_set_back_then_a_lease_lasts_no_longer_than_it_can(
    leases: Leases,
) -> None:
    hour = timedelta(hours=1)
    assert await acquire(leases, "a", hour)

    assert await acquire(leases, "b")
    assert not await acquire(leases, "c")


async def test_who_has_lost_it_cannot_release_it(leases: Leases) -> None:
    assert await acquire(leases, "a")
    await leases.release("reconcile", "b", NOON)
    assert not await acquire(leases, "b", SECOND)
    await leases.release("unknown", "b", NOON)


async def test_of_many_who_come_at_once_one_gets_it(database_url: str) -> None:
    async with opened(database_url) as one, opened(database_url) as other:
        for round_number in range(5):
            at = round_number * 10 * SECOND
            replicas = [one] if database_url == "memory://" else [one, other]
            got = await asyncio.gather(
                *(
                    acquire(replicas[n % len(replicas)].leases, f"{round_number}-{n}", at)
                    for n in range(8)
                )
            )
            assert got.count(True) == 1
