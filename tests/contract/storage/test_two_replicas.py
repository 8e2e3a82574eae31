"""Two processes that change the same rows of one PostgreSQL in different orders."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from adapters.sqlalchemy.storage import SqlStorage
from domain.idempotency.repository import Attempt
from domain.sessions.session_store import SessionStore
from domain.shared.errors import Conflict
from tests.contract.storage.ledgers import NOON, new_entry, new_session, opened
from tests.databases import PostgresServer

ROUNDS, BURST = 10, 40
Replicas = tuple[SqlStorage, SqlStorage]


@pytest.fixture
async def replicas(postgres: PostgresServer, postgres_url: str) -> AsyncIterator[Replicas]:
    """Two ledgers on one database, between which there was no deadlock in the end."""
    async with opened(postgres_url) as first, SqlStorage(postgres_url) as second:
        assert isinstance(first, SqlStorage)
        yield first, second
        name = first.database.url.database
    # A session reports its deadlocks at its end, if not before.
    count = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'"
    assert postgres.sql(count) == "0"


async def test_given_bursts_of_the_same_events_then_each_is_new_to_one_replica_only(
    replicas: Replicas,
) -> None:
    shuffle = random.Random(7).shuffle
    for _ in range(ROUNDS):
        entries = [new_entry(f"room-{number}") for number in range(BURST)]
        other_order = [*entries]
        shuffle(other_order)

        answers = await asyncio.gather(
            *(replicas[0].inbox.add(entry) for entry in entries),
            *(replicas[1].inbox.add(entry) for entry in other_order),
        )

        news = dict(zip(map(id, entries), answers[:BURST], strict=True))
        theirs = dict(zip(map(id, other_order), answers[BURST:], strict=True))
        assert all(news[key] != theirs[key] for key in news)
        for entry in entries:
            assert await replicas[0].inbox.get(entry.event.id) == entry


async def test_given_an_event_several_times_in_one_batch_then_it_is_new_once(
    replicas: Replicas,
) -> None:
    known, twice, once = (new_entry(f"room-{number}") for number in range(3))
    await replicas[1].inbox.add(known)

    answers = await asyncio.gather(
        *(replicas[0].inbox.add(entry) for entry in (twice, known, once, twice, known))
    )

    assert answers == [True, False, True, False, False]


async def test_given_changes_of_the_same_sessions_in_opposite_orders_then_one_replica_wins_each(
    replicas: Replicas,
) -> None:
    first, second = (SessionStore(replica.unit_of_work) for replica in replicas)
    for _ in range(ROUNDS):
        sessions = [await first.add(new_session()) for _ in range(BURST)]

        answers = await asyncio.gather(
            *(first.save(session.released()) for session in sessions),
            *(second.save(session.released()) for session in reversed(sessions)),
            return_exceptions=True,
        )

        for ours, theirs in zip(answers[:BURST], reversed(answers[BURST:]), strict=True):
            assert {type(ours), type(theirs)} == {Conflict, type(sessions[0])}


async def test_given_sessions_for_the_same_rooms_in_opposite_orders_then_each_room_has_one(
    replicas: Replicas,
) -> None:
    first, second = (SessionStore(replica.unit_of_work) for replica in replicas)
    for _ in range(ROUNDS):
        ours = [new_session() for _ in range(BURST)]
        theirs = [new_session(session.room_name) for session in reversed(ours)]

        answers = await asyncio.gather(
            *(first.add(session) for session in ours),
            *(second.add(session) for session in theirs),
            return_exceptions=True,
        )

        for mine, other in zip(answers[:BURST], reversed(answers[BURST:]), strict=True):
            assert {type(mine), type(other)} == {Conflict, type(ours[0])}


async def test_given_events_and_changes_together_then_every_one_is_stored(
    replicas: Replicas,
) -> None:
    first, second = (SessionStore(replica.unit_of_work) for replica in replicas)
    for _ in range(ROUNDS):
        entries = [new_entry(f"room-{number}") for number in range(BURST)]
        mine = [await first.add(new_session()) for _ in range(20)]
        other = [await second.add(new_session()) for _ in range(20)]

        await asyncio.gather(
            *(first.save(session.released()) for session in mine),
            *(replicas[0].inbox.add(entry) for entry in entries),
            *(replicas[1].inbox.add(entry) for entry in reversed(entries)),
            *(second.save(session.released()) for session in other),
        )


async def test_given_the_same_idempotency_keys_in_opposite_orders_then_each_has_one_holder(
    replicas: Replicas,
) -> None:
    def attempt(key: int, holder: str) -> Attempt:
        until = NOON + timedelta(seconds=30)
        return Attempt(
            tenant="", key=f"key-{key}", fingerprint="f", holder=holder,
            now=NOON, until=until, since=NOON - timedelta(days=1),
        )  # fmt: skip

    first, second = (replica.idempotency for replica in replicas)

    answers = await asyncio.gather(
        *(first.begin(attempt(key, "first")) for key in range(BURST)),
        *(second.begin(attempt(key, "second")) for key in reversed(range(BURST))),
    )

    for mine, other in zip(answers[:BURST], reversed(answers[BURST:]), strict=True):
        assert mine.holder == other.holder
