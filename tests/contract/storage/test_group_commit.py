"""Writes that wait share one transaction; each still succeeds or fails by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event

from adapters.sqlalchemy.engine import group_commit as batches
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.errors import Conflict, StorageUnavailable
from tests.contract.storage.ledgers import NOON, engines, new_session, opened


@pytest.fixture
async def storage(sql_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(sql_url) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


def commits(storage: SqlStorage) -> list[None]:
    """Grows by one with each commit from now on."""
    counted: list[None] = []
    for engine in engines(storage)[1:]:
        event.listen(engine, "commit", lambda _: counted.append(None))
    return counted


async def test_one_after_the_other(storage: SqlStorage) -> None:
    ledger, counted = SessionStore(storage.unit_of_work), commits(storage)
    for _ in range(5):
        await ledger.add(new_session())
    assert len(counted) == 5


async def test_a_hundred_at_once_are_all_there_after_a_few_commits(storage: SqlStorage) -> None:
    ledger, counted = SessionStore(storage.unit_of_work), commits(storage)
    sessions = [new_session() for _ in range(100)]
    await asyncio.gather(*(ledger.add(session) for session in sessions))
    assert len(counted) < 20
    for session in sessions:
        assert await ledger.get(session.id, SYSTEM) == session


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
