"""Look-ups on the event loop's thread, and what a thread of its own does instead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest

from adapters.sqlalchemy.engine.direct_reads import DirectReads
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from tests.contract.storage.ledgers import new_session, opened


def direct(storage: SqlStorage) -> DirectReads:
    assert storage.database.direct is not None
    return storage.database.direct


def driver(storage: SqlStorage) -> Any:
    connection = direct(storage)._connection
    assert connection is not None
    return connection.connection.driver_connection


@pytest.fixture
async def storage(sqlite_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(sqlite_url) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


@pytest.fixture
def by_thread(storage: SqlStorage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A note of each read that the thread does."""
    assert storage.database.threads is not None
    thread, done = storage.database.threads[0], list[str]()
    carry_out = thread.transaction

    def noted(work: Any) -> Awaitable[Any]:
        done.append("read")
        return carry_out(work)

    monkeypatch.setattr(thread, "transaction", noted)
    return done


async def stored(storage: SqlStorage) -> tuple[SessionStore, Session]:
    ledger = SessionStore(storage.unit_of_work)
    session = await ledger.add(new_session())
    assert await ledger.get(session.id, SYSTEM) == session
    return ledger, session


async def test_a_look_up_is_not_handed_to_a_thread(
    storage: SqlStorage, by_thread: list[str]
) -> None:
    await stored(storage)

    assert by_thread == []


async def test_given_a_look_up_fails_then_the_thread_answers_and_goes_on(
    storage: SqlStorage, by_thread: list[str]
) -> None:
    ledger, session = await stored(storage)
    assert by_thread == []
    driver(storage).close()

    assert await ledger.get(session.id, SYSTEM) == session
    assert await ledger.get(session.id, SYSTEM) == session
    assert by_thread == ["read", "read"]


async def test_given_a_look_up_was_slow_then_the_thread_waits_for_the_disk_from_now_on(
    storage: SqlStorage, by_thread: list[str]
) -> None:
    ledger, session = await stored(storage)
    driver(storage).set_progress_handler(lambda: time.sleep(0.03), 1)

    assert await ledger.get(session.id, SYSTEM) == session
    assert by_thread == []
    assert await ledger.get(session.id, SYSTEM) == session
    assert by_thread == ["read"]


async def test_what_several_tasks_look_up_at_a_time_is_handed_over_together(
    storage: SqlStorage, by_thread: list[str]
) -> None:
    ledger, session = await stored(storage)

    found = await asyncio.gather(*(ledger.get(session.id, SYSTEM) for _ in range(20)))

    assert found == [session] * 20
    assert by_thread == ["read"]


async def test_while_the_thread_reads_for_others_a_look_up_joins_its_next_batch(
    storage: SqlStorage, by_thread: list[str]
) -> None:
    ledger, session = await stored(storage)
    others = [asyncio.create_task(ledger.get(session.id, SYSTEM)) for _ in range(2)]
    while not by_thread:  # noqa: ASYNC110 - turns of the loop are what is waited for
        await asyncio.sleep(0)

    assert await ledger.get(session.id, SYSTEM) == session

    assert by_thread == ["read", "read"]
    assert await asyncio.gather(*others) == [session, session]


async def test_many_look_ups_in_a_row_leave_others_their_turns(storage: SqlStorage) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    ledger, session = await stored(storage)
    other = asyncio.create_task(take_turns())
    for _ in range(320):
        await ledger.get(session.id, SYSTEM)
    other.cancel()
    assert turns >= 320 // 16 - 1
