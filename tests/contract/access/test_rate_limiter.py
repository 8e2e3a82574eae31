"""The port that counts requests, in memory and on databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from adapters.memory.rate_limiter import MOST_ADDRESSES, MemoryRateLimiter
from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.engine.database import Database
from domain.access.rate_limit import WINDOW, Bucket, Permit, RateLimiter, window_of
from tests.contract.storage.ledgers import NOON, opened

LIMIT = 7
ANN, BEN = Bucket("tenant", "ann"), Bucket("tenant", "ben")
NOW = window_of(NOON) + timedelta(seconds=20)
Limiters = Callable[[], RateLimiter]


@pytest.fixture
async def limiters(database_url: str) -> AsyncIterator[Limiters]:
    """Makes limiters that share their storage, as processes do; one alone in memory."""
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(opened(database_url))
        if isinstance(ledger, MemoryStorage):
            alone = MemoryRateLimiter(LIMIT)
            yield lambda: alone
        else:
            yield lambda: ledger.rate_limiter(LIMIT)


async def test_as_many_as_the_limit_are_allowed_in_a_window(limiters: Limiters) -> None:
    limiter = limiters()

    permits = [await limiter.take(ANN, NOW) for _ in range(LIMIT + 2)]

    assert [permit.allowed for permit in permits] == [True] * LIMIT + [False] * 2
    assert [permit.remaining for permit in permits] == [6, 5, 4, 3, 2, 1, 0, 0, 0]
    assert {permit.resets_in for permit in permits} == {timedelta(seconds=40)}


async def test_the_next_window_begins_anew(limiters: Limiters) -> None:
    limiter = limiters()
    for _ in range(LIMIT + 1):
        await limiter.take(ANN, NOW)

    assert await limiter.take(ANN, NOW + WINDOW) == Permit(
        allowed=True, remaining=LIMIT - 1, resets_in=timedelta(seconds=40)
    )


async def test_given_a_clock_that_was_set_back_then_its_window_begins_anew(
    limiters: Limiters,
) -> None:
    limiter = limiters()
    for _ in range(LIMIT + 1):
        await limiter.take(ANN, NOW + timedelta(hours=1))

    assert (await limiter.take(ANN, NOW)).remaining == LIMIT - 1
    assert (await limiter.take(ANN, NOW)).remaining == LIMIT - 2


async def test_others_have_limits_of_their_own(limiters: Limiters) -> None:
    limiter = limiters()
    for _ in range(LIMIT + 1):
        await limiter.take(ANN, NOW)

    assert (await limiter.take(BEN, NOW)).allowed


async def test_of_many_at_once_from_several_processes_exactly_the_limit_is_allowed(
    limiters: Limiters,
) -> None:
    processes = [limiters() for _ in range(3)]

    permits = await asyncio.gather(
        *(
            processes[number % 3].take(Bucket("tenant", f"key-{number % 2}"), NOW)
            for number in range(120)
        )
    )

    for bucket in (permits[::2], permits[1::2]):
        assert sum(permit.allowed for permit in bucket) == LIMIT
        assert sorted(p.remaining for p in bucket if p.allowed) == list(range(LIMIT))


async def test_what_is_over_is_forgotten(limiters: Limiters) -> None:
    limiter = limiters()
    await limiter.take(ANN, NOW)
    await limiter.take(BEN, NOW)

    assert await limiter.prune(window_of(NOW)) == 0
    assert await limiter.prune(NOW) == 2
    assert await limiter.prune(NOW) == 0
    assert (await limiter.take(ANN, NOW)).remaining == LIMIT - 1


async def test_what_is_over_is_forgotten_a_part_in_each_transaction(
    sql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(sql_url) as ledger:
        assert not isinstance(ledger, MemoryStorage)
        limiter = ledger.rate_limiter(LIMIT)
        await asyncio.gather(
            *(limiter.take(Bucket("address", str(number)), NOW) for number in range(1100))
        )
        await limiter.take(ANN, NOW + WINDOW)
        deleted: list[int] = []
        transact = ledger.database.transact

        async def noted(_: Database, work: Callable[[Connection], int]) -> int:
            deleted.append(await transact(work))
            return deleted[-1]

        monkeypatch.setattr(Database, "transact", noted)
        assert await limiter.prune(window_of(NOW + WINDOW)) == 1100

    assert deleted == [500, 500, 100, 0]


async def test_a_process_whose_clock_is_behind_counts_in_the_newer_window(
    sql_url: str,
) -> None:
    async with opened(sql_url) as ledger:
        assert not isinstance(ledger, MemoryStorage)
        ahead, behind = ledger.rate_limiter(LIMIT), ledger.rate_limiter(LIMIT)
        await ahead.take(ANN, NOW + WINDOW)
        await behind.take(ANN, NOW)

        assert (await ahead.take(ANN, NOW + WINDOW)).remaining == LIMIT - 3


def address(number: int) -> Bucket:
    return Bucket("address", str(number))


async def test_a_tenant_and_an_address_of_one_name_are_two(limiters: Limiters) -> None:
    limiter = limiters()
    for _ in range(LIMIT + 1):
        await limiter.take(ANN, NOW)

    assert (await limiter.take(Bucket("address", "ann"), NOW)).allowed


async def test_a_flood_of_addresses_fills_no_memory_and_locks_no_key_out() -> None:
    limiter = MemoryRateLimiter(LIMIT)
    for number in range(MOST_ADDRESSES):
        await limiter.take(address(number), NOW)

    permits = [await limiter.take(address(~number), NOW) for number in range(LIMIT + 1)]

    assert [permit.allowed for permit in permits] == [True] * LIMIT + [False]
    assert (await limiter.take(address(0), NOW)).remaining == LIMIT - 2
    assert (await limiter.take(ANN, NOW)).remaining == LIMIT - 1
    assert (await limiter.take(BEN, NOW)).remaining == LIMIT - 1


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 180)), max_size=60))
async def test_whatever_comes_when_no_window_has_more_than_the_limit(
    requests: list[tuple[int, int]],
) -> None:
    limiter = MemoryRateLimiter(LIMIT)
    allowed: dict[tuple[int, int], int] = {}
    asked: dict[tuple[int, int], int] = {}
    for who, second in sorted(requests, key=lambda request: request[1]):
        place = who, second // 60
        now = window_of(NOON) + timedelta(seconds=second)
        permit = await limiter.take(Bucket("address", str(who)), now)
        asked[place] = asked.get(place, 0) + 1
        allowed[place] = allowed.get(place, 0) + permit.allowed

    assert allowed == {place: min(number, LIMIT) for place, number in asked.items()}
