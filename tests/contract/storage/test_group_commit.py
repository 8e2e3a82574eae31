"""Writes that wait share one transaction; each still succeeds or fails by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.sqlalchemy.engine import group_commit as batches
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.errors import Conflict, StorageUnavailable
from tests.contract.storage.ledgers import NOON, new_session, opened


@pytest.fixture
async def storage(sql_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(sql_url) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@pytest.fixture
def commits(storage: SqlStorage, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Grows by one with each commit."""
    counted: list[None] = []
    monkeypatch.setattr(storage.database.commits, "succeeded", lambda: counted.append(None))
    return counted


async def test_one_after_the_other(storage: SqlStorage, commits: list[None]) -> None:
    ledger = SessionStore(storage.unit_of_work)
    for _ in range(5):
        await ledger.add(new_session())
    assert len(commits) == 5


async def test_a_hundred_at_once_are_all_there_after_a_few_commits(
    storage: SqlStorage, commits: list[None]
) -> None:
    ledger = SessionStore(storage.unit_of_work)
    sessions = [new_session() for _ in range(100)]
    await asyncio.gather(*(ledger.add(session) for session in sessions))
    assert len(commits) < 20
    for session in sessions:
        assert await ledger.get(session.id, SYSTEM) == session


async def test_what_is_not_urgent_shares_a_commit(storage: SqlStorage, commits: list[None]) -> None:
    """On SQLite with the next change; on PostgreSQL, where that would wait, with its like."""
    ledger = SessionStore(storage.unit_of_work)
    stored = [await ledger.add(new_session()) for _ in range(3)]
    commits.clear()
    recorded = [
        asyncio.create_task(ledger.save(session.released(), urgent=False)) for session in stored
    ]
    await asyncio.sleep(0)
    await ledger.add(new_session())
    await asyncio.gather(*recorded)
    assert len(commits) == (1 if storage.database.embedded else 2)


async def test_what_is_not_urgent_is_durable_soon_also_by_itself(storage: SqlStorage) -> None:
    ledger = SessionStore(storage.unit_of_work)
    session = await ledger.add(new_session())
    released = await ledger.save(session.released(), urgent=False)
    assert await ledger.get(session.id, SYSTEM) == released


async def test_an_urgent_change_comes_after_an_earlier_one_of_its_record(
    storage: SqlStorage,
) -> None:
    ledger = SessionStore(storage.unit_of_work)
    session = await ledger.add(new_session())
    first = asyncio.create_task(ledger.save(session.released(), urgent=False))
    await asyncio.sleep(0)
    ended = session.released().stored().ended(EndReason.ENDED_BY_CALLER, NOON)
    second = await ledger.save(ended)
    await first
    assert await ledger.get(session.id, SYSTEM) == second


async def test_what_is_not_urgent_is_stored_before_the_database_is_closed(sql_url: str) -> None:
    async with opened(sql_url) as storage:
        ledger = SessionStore(storage.unit_of_work)
        session = await ledger.add(new_session())
        saving = asyncio.create_task(ledger.save(session.released(), urgent=False))
        await asyncio.sleep(0)
    async with opened(sql_url) as storage:
        ledger = SessionStore(storage.unit_of_work)
        assert await ledger.get(session.id, SYSTEM) == await saving


async def test_one_that_conflicts_fails_alone(storage: SqlStorage) -> None:
    ledger = SessionStore(storage.unit_of_work)
    first = await ledger.add(new_session())
    stale = first
    await ledger.save(first.ended(EndReason.ENDED_BY_CALLER, NOON))
    good = [new_session() for _ in range(20)]
    outcomes = await asyncio.gather(
        *(ledger.add(session) for session in good[:10]),
        ledger.save(stale.released()),
        ledger.add(good[0]),
        *(ledger.add(session) for session in good[10:]),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [Conflict] * 2
    for session in good:
        assert await ledger.get(session.id, SYSTEM) == session


async def test_a_unit_is_done_whole_or_not_at_all_also_beside_others(storage: SqlStorage) -> None:
    ledger = SessionStore(storage.unit_of_work)
    taken = await ledger.add(new_session())
    half = new_session()

    async def both() -> None:
        async with storage.unit_of_work() as work:
            await work.sessions.add(half)
            await work.sessions.add(taken)
            await work.commit()

    others = [new_session() for _ in range(5)]
    outcomes = await asyncio.gather(
        both(), *(ledger.add(session) for session in others), return_exceptions=True
    )
    assert isinstance(outcomes[0], Conflict)
    assert await ledger.get(half.id, SYSTEM) is None
    for session in others:
        assert await ledger.get(session.id, SYSTEM) == session


async def test_whoever_gives_up_waiting_stops_nobody(storage: SqlStorage) -> None:
    ledger = SessionStore(storage.unit_of_work)
    sessions = [new_session() for _ in range(20)]
    tasks = [asyncio.create_task(ledger.add(session)) for session in sessions]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for session in sessions[1::2]:
        assert await ledger.get(session.id, SYSTEM) == session


async def test_too_many_are_refused_and_not_kept(
    storage: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_WAITING", 3)
    ledger = SessionStore(storage.unit_of_work)
    outcomes = await asyncio.gather(
        *(ledger.add(new_session()) for _ in range(30)), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, StorageUnavailable)]
    assert refused
    assert "too busy" in str(refused[0])
    await ledger.add(new_session())
