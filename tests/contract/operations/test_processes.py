"""What the port says of processes: what one held is free once it is removed, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs

from adapters.memory.storage import MemoryStorage
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.idempotency.repository import Attempt
from domain.operations.process import ProcessIdentity
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from tests.contract.storage.ledgers import NOON, new_entry, new_session

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ONE, OTHER = ProcessIdentity("process-1"), ProcessIdentity("process-10")
AnyLedger = MemoryStorage | SqlStorage


@attrs.frozen
class Held:
    """What a process has taken of a ledger."""

    ledger: AnyLedger
    who: ProcessIdentity
    session: Session

    @property
    def key(self) -> str:
        return f"key of {self.who.id}"

    def attempt(self, holder: str) -> Attempt:
        return Attempt(
            tenant="", key=self.key, fingerprint="same", holder=holder, now=NOON,
            until=NOON + MINUTE, since=NOON - MINUTE,
        )  # fmt: skip

    async def is_free(self) -> list[bool]:
        """Of its claim, event, job and idempotency key, whether another may take it."""
        session = await SessionStore(self.ledger.unit_of_work).get(self.session.id, SYSTEM)
        assert session is not None
        assert session.claim.holder == self.who.holder("claim"), "for the next one to know"
        events = await self.ledger.inbox.claim("other", NOON, NOON + MINUTE, 10)
        job = await self.ledger.leases.acquire(
            f"job of {self.who.id}", "other", NOON, NOON + MINUTE, MINUTE
        )
        remembered = await self.ledger.idempotency.begin(self.attempt("other"))
        return [
            not session.claim.is_held(NOON),
            self.who.id in {entry.event.room_name for entry in events},
            job,
            remembered.holder == "other",
        ]


async def held(ledger: AnyLedger, who: ProcessIdentity) -> Held:
    """``who`` registers and takes one of each."""
    assert who.id is not None
    await ledger.processes.register(who.id, NOON, alone=False)
    session = new_session().claimed(who.holder("claim"), NOON, MINUTE / 4)
    await SessionStore(ledger.unit_of_work).add(session)
    await ledger.inbox.add(new_entry(who.id))
    claimed = await ledger.inbox.claim(who.holder("worker"), NOON, NOON + MINUTE, 10)
    assert len(claimed) == 1
    assert await ledger.leases.acquire(
        f"job of {who.id}", who.holder("job"), NOON, NOON + MINUTE, MINUTE
    )
    taken = Held(ledger, who, session)
    await ledger.idempotency.begin(taken.attempt(who.holder("attempt")))
    return taken


async def test_a_process_is_registered_until_it_is_freed(ledger: AnyLedger) -> None:
    assert not await ledger.processes.is_registered("process-1")
    await ledger.processes.register("process-1", NOON, alone=False)
    assert await ledger.processes.is_registered("process-1")
    assert not await ledger.processes.is_registered("process-2")
    assert await ledger.processes.free("process-1")
    assert not await ledger.processes.is_registered("process-1")


async def test_what_a_process_held_is_free_once_it_is_removed(ledger: AnyLedger) -> None:
    of_one, of_other = await held(ledger, ONE), await held(ledger, OTHER)

    assert await ledger.processes.free("process-1")

    assert await of_one.is_free() == [True] * 4
    assert await of_other.is_free() == [False] * 4, "though its id begins alike"
    assert not await ledger.processes.free("process-1"), "once"


async def test_a_process_that_was_seen_again_is_not_removed(ledger: AnyLedger) -> None:
    of_one = await held(ledger, ONE)
    await ledger.processes.beat("process-1", NOON + SECOND)

    assert not await ledger.processes.free("process-1", NOON)

    assert await of_one.is_free() == [False] * 4
    assert await ledger.processes.free("process-1", NOON + SECOND)


async def test_a_beat_tells_when_each_was_seen_and_a_removed_one_that_it_was(
    ledger: AnyLedger,
) -> None:
    for number in (1, 2):
        await ledger.processes.register(f"process-{number}", NOON, alone=False)

    seen = await ledger.processes.beat("process-1", NOON + SECOND)
    assert seen == {"process-1": NOON + SECOND, "process-2": NOON}
    await ledger.processes.free("process-1")

    assert await ledger.processes.beat("process-1", NOON) is None
    assert await ledger.processes.beat("process-2", NOON) == {"process-2": NOON}


async def test_a_process_alone_frees_all_that_was_left_behind(ledger: AnyLedger) -> None:
    taken = [await held(ledger, ONE), await held(ledger, OTHER)]
    await ledger.leases.acquire("prune", "old version", NOON, NOON + MINUTE, MINUTE)
    await ledger.leases.release("prune", "old version", NOON + MINUTE)

    await ledger.processes.register("alone", NOON, alone=True)

    assert await ledger.processes.beat("alone", NOON) == {"alone": NOON}
    assert not await ledger.leases.acquire("prune", "alone", NOON, NOON + MINUTE, MINUTE), "not due"
    for one in taken:
        assert (await one.is_free())[2:] == [True, True]
    live = [await SessionStore(ledger.unit_of_work).get(one.session.id, SYSTEM) for one in taken]
    assert not any(session is None or session.claim.is_held(NOON) for session in live)


async def test_a_session_that_has_ended_is_left_as_it_is(ledger: AnyLedger) -> None:
    of_one = await held(ledger, ONE)
    sessions = SessionStore(ledger.unit_of_work)
    released = await sessions.save(of_one.session.released())

    await ledger.processes.free("process-1")

    assert await sessions.get(released.id, SYSTEM) == released


async def test_the_ledgers_time_is_the_database_servers_or_this_machines(
    ledger: AnyLedger, database_url: str
) -> None:
    told = await ledger.processes.time()

    if database_url.startswith("postgresql"):
        assert told is not None
        assert abs(told - datetime.now(UTC)) < MINUTE
    else:
        assert told is None
