"""What is deleted or freed is what it was looked for as, though somebody else changes it meanwhile.

PostgreSQL finds rows in a snapshot. A row that another transaction has changed by the time that it
can be locked may no longer be one that was looked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar

import attrs
import pytest
from sqlalchemy import Executable, update

from adapters.sqlalchemy.calls.table import calls
from adapters.sqlalchemy.idempotency import idempotency
from adapters.sqlalchemy.inbox.table import inbox
from adapters.sqlalchemy.processes import processes
from adapters.sqlalchemy.rate_limiter import rate_windows
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.access.rate_limit import Bucket
from domain.calls.apply_fact import apply
from domain.calls.call_facts import ParticipantLeft
from domain.idempotency.repository import Attempt
from domain.inbox.entry import InboxStatus
from domain.privacy.data_subject import DataSubject
from domain.rooms.dispatch import DispatchClaim
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.timeline import Source
from tests.contract.storage.ledgers import NOON, new_call, new_entry, new_session, opened
from tests.contract.storage.test_records import store

Result = TypeVar("Result")

HOUR: Final = timedelta(hours=1)
LONG_AGO: Final = NOON - 720 * HOUR
OURS, THEIRS = "dead.claim", "alive.claim"
"""Holders' names."""


@pytest.fixture
async def storage(postgres_url: str) -> AsyncIterator[SqlStorage]:
    async with opened(postgres_url) as storage:
        assert isinstance(storage, SqlStorage)
        yield storage


async def while_another_changes(
    storage: SqlStorage, change: Executable, work: Coroutine[Any, Any, Result]
) -> Result:
    """Do ``work`` while another transaction has made a change, which commits once it is waited for.

    It commits as well if ``work`` does not wait for it.
    """
    async with storage.database.writer.begin() as connection:
        await connection.execute(change)
        working = asyncio.create_task(work)
        async with asyncio.timeout(30):
            while not (working.done() or await somebody_waits(storage)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    return await working


async def somebody_waits(storage: SqlStorage) -> bool:
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with storage.database.reader.connect() as connection:
        return bool((await connection.exec_driver_sql(waiting)).scalar_one())


def attempt(holder: str, **changes: Any) -> Attempt:
    long_ago = Attempt(
        tenant="acme", key="key-1", fingerprint="asked", holder=holder,
        now=LONG_AGO, until=LONG_AGO + HOUR, since=LONG_AGO - HOUR,
    )  # fmt: skip
    return attrs.evolve(long_ago, **changes)


def begin_again() -> Executable:
    return update(idempotency).values(
        holder="you", lease_expires_at=NOON + HOUR, created_at=NOON, answer=None
    )


async def holder_of_the_key(storage: SqlStorage) -> str | None:
    now = attempt("third", now=NOON, until=NOON + HOUR, since=NOON - HOUR)
    return (await storage.idempotency.begin(now)).holder


async def test_given_a_key_that_is_begun_again_then_it_is_not_pruned(storage: SqlStorage) -> None:
    await storage.idempotency.begin(attempt("me"))
    await storage.idempotency.give_up(attempt("me"))

    pruned = await while_another_changes(
        storage, begin_again(), storage.idempotency.prune(NOON - HOUR)
    )

    assert pruned == 0
    assert await holder_of_the_key(storage) == "you"


async def test_given_a_key_that_is_begun_again_for_another_then_the_person_s_request_is_forgotten(
    storage: SqlStorage,
) -> None:
    """Its answer mentioned the person; what it is used for now does not."""
    await storage.idempotency.begin(attempt("me"))
    await storage.idempotency.finish(attempt("me"), '{"userIdentity": "ann-identity"}')

    await while_another_changes(
        storage,
        begin_again(),
        storage.personal_data.forget(DataSubject.with_identity("ann-identity")),
    )

    assert await holder_of_the_key(storage) == "you"


async def test_given_an_event_that_is_replayed_then_it_is_not_pruned(storage: SqlStorage) -> None:
    entry = new_entry(received_at=LONG_AGO, due_at=LONG_AGO).handled(LONG_AGO)
    await storage.inbox.add(entry)
    replayed = update(inbox).values(status="pending", handled_at=None)

    assert await while_another_changes(storage, replayed, storage.inbox.prune(NOON)) == 0

    kept = await storage.inbox.get(entry.event.id)
    assert kept is not None
    assert kept.status is InboxStatus.PENDING


async def test_given_a_session_that_is_reopened_then_it_is_not_pruned(storage: SqlStorage) -> None:
    session = new_session(created_at=LONG_AGO).ended(EndReason.ROOM_FINISHED, LONG_AGO)
    await store(storage, session)
    reopened = update(sessions).values(status="active", ended_at=None)

    pruned = await while_another_changes(storage, reopened, storage.prune_sessions(NOON))

    assert pruned == 0
    assert await SessionStore(storage.unit_of_work).get(session.id, SYSTEM) is not None


async def test_given_a_call_that_is_reopened_then_it_is_not_pruned(storage: SqlStorage) -> None:
    call = apply(new_call(joined_at=LONG_AGO), ParticipantLeft(LONG_AGO, Source.WEBHOOK))
    await store(storage, call)
    reopened = update(calls).values(status="active", ended_at=None)

    assert await while_another_changes(storage, reopened, storage.prune_calls(NOON)) == 0

    async with storage.unit_of_work() as work:
        assert await work.calls.get(call.id, SYSTEM) is not None


async def test_given_a_client_that_comes_again_then_its_requests_are_not_forgotten(
    storage: SqlStorage,
) -> None:
    limiter = storage.rate_limiter(10)
    await limiter.take(Bucket("address", "203.0.113.7"), LONG_AGO)
    counted = update(rate_windows).values(began_at=NOON, used=9)

    assert await while_another_changes(storage, counted, limiter.prune(NOON - HOUR)) == 0


async def test_given_a_process_that_beats_again_then_it_is_not_removed(storage: SqlStorage) -> None:
    await storage.processes.register("dead", LONG_AGO, alone=False)
    beats = update(processes).values(seen_at=NOON)

    assert not await while_another_changes(storage, beats, storage.processes.free("dead", LONG_AGO))


async def test_given_a_claim_that_another_process_takes_over_then_it_is_not_freed(
    storage: SqlStorage,
) -> None:
    await storage.processes.register("dead", LONG_AGO, alone=False)
    claim = DispatchClaim(OURS, LONG_AGO + HOUR)
    session = new_session(created_at=LONG_AGO, claim=claim)
    await store(storage, session)
    taken = update(sessions).values(claim_holder=THEIRS, claim_expires_at=NOON + HOUR)

    await while_another_changes(storage, taken, storage.processes.free("dead"))

    kept = await SessionStore(storage.unit_of_work).get(session.id, SYSTEM)
    assert kept is not None
    assert (kept.claim.holder, kept.claim.expires_at) == (THEIRS, NOON + HOUR)


async def test_given_an_event_that_another_process_takes_over_then_it_is_not_freed(
    storage: SqlStorage,
) -> None:
    await storage.processes.register("dead", LONG_AGO, alone=False)
    entry = new_entry()
    await storage.inbox.add(entry)
    await storage.inbox.claim(OURS, NOON, NOON + HOUR, 1)
    taken = update(inbox).values(lease_holder=THEIRS)

    await while_another_changes(storage, taken, storage.processes.free("dead"))

    assert await storage.inbox.renew(THEIRS, [entry.event.id], NOON + HOUR) == 1


async def test_given_an_event_whose_lease_is_renewed_late_then_another_does_not_take_it_over(
    storage: SqlStorage,
) -> None:
    entry = new_entry()
    await storage.inbox.add(entry)
    await storage.inbox.claim("me", NOON, NOON + HOUR, 1)
    renewed, later = update(inbox).values(lease_expires_at=NOON + 3 * HOUR), NOON + 2 * HOUR

    claimed = await while_another_changes(
        storage, renewed, storage.inbox.claim("other", later, later + HOUR, 1)
    )

    assert claimed == []
    assert await storage.inbox.settle(entry.handled(later), "me")
