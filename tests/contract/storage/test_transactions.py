"""What the port says of the unit of work, and what holds when many work at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from contextlib import suppress

import pytest

from domain.access.access import SYSTEM
from domain.calls.repository import CallWork
from domain.sessions.session import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.errors import Conflict
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import NOON, new_room, new_session

MANY = 64


class Stop(Exception):
    """Leaves a block."""


@pytest.fixture
def ledger(unit_of_work: UnitOfWorkFactory[CallWork]) -> SessionStore:
    return SessionStore(unit_of_work)


async def outcomes(attempts: Iterable[Awaitable[object]]) -> Counter[type]:
    return Counter(map(type, await asyncio.gather(*attempts, return_exceptions=True)))


async def test_nothing_is_visible_before_the_commit(
    unit_of_work: UnitOfWorkFactory[CallWork], ledger: SessionStore
) -> None:
    old, new = await ledger.add(new_session()), new_session()
    async with unit_of_work() as work:
        await work.sessions.add(new)
        await work.sessions.save(old.with_agent_dispatched("AD_1", NOON))
        assert await ledger.get(new.id, SYSTEM) is None
        assert await ledger.live_in(new.room_name, SYSTEM) is None
        assert await ledger.newest_in(new.room_name, SYSTEM) is None
        assert await ledger.get(old.id, SYSTEM) == old
        await work.commit()
        assert await ledger.get(new.id, SYSTEM) == new
    changed = await ledger.get(old.id, SYSTEM)
    assert changed is not None
    assert changed.dispatch_id == "AD_1"


async def test_leaving_without_a_commit_undoes(
    unit_of_work: UnitOfWorkFactory[CallWork], ledger: SessionStore
) -> None:
    old, new = await ledger.add(new_session()), new_session()
    with suppress(Stop):
        async with unit_of_work() as work:
            await work.sessions.add(new)
            await work.sessions.save(old.ended(EndReason.ROOM_FINISHED, NOON))
            raise Stop
    assert await ledger.get(new.id, SYSTEM) is None
    assert await ledger.live_in(old.room_name, SYSTEM) == old
    assert await ledger.add(new) == new


async def test_what_was_committed_stays_when_the_block_is_left_by_an_error(
    unit_of_work: UnitOfWorkFactory[CallWork], ledger: SessionStore
) -> None:
    kept, lost = new_session(), new_session()
    with suppress(Stop):
        async with unit_of_work() as work:
            await work.sessions.add(kept)
            await work.commit()
            await work.sessions.add(lost)
            raise Stop
    assert await ledger.get(kept.id, SYSTEM) == kept
    assert await ledger.get(lost.id, SYSTEM) is None


async def test_a_transaction_sees_its_own_changes(
    unit_of_work: UnitOfWorkFactory[CallWork], ledger: SessionStore
) -> None:
    first = await ledger.add(new_session())
    second = new_session(first.room_name)
    async with unit_of_work() as work:
        over = first.ended(EndReason.ROOM_FINISHED, NOON)
        await work.sessions.save(over)
        assert await work.sessions.get(first.id, SYSTEM) == over.stored()
        assert await work.sessions.live_in(first.room_name, SYSTEM) is None
        assert await work.sessions.newest_in(first.room_name, SYSTEM) == over.stored()
        await work.sessions.add(second)
        assert await work.sessions.live_in(first.room_name, SYSTEM) == second
        assert await work.sessions.newest_in(first.room_name, SYSTEM) == second
        await work.sessions.save(second.with_agent_dispatched("AD_1", NOON))
        await work.commit()
        assert await work.sessions.get(first.id, SYSTEM) == over.stored()
    live = await ledger.live_in(first.room_name, SYSTEM)
    assert live is not None
    assert (live.id, live.dispatch_id, live.version) == (second.id, "AD_1", 1)


@pytest.mark.parametrize("first", ["good", "bad"])
async def test_a_conflict_undoes_all_of_the_transaction(
    unit_of_work: UnitOfWorkFactory[CallWork], ledger: SessionStore, first: str
) -> None:
    there = await ledger.add(new_session())
    good, bad = new_session(), new_session(there.room_name)
    async with unit_of_work() as work:
        for session in (good, bad) if first == "good" else (bad, good):
            await work.sessions.add(session)
        with pytest.raises(Conflict):
            await work.commit()
    assert await ledger.get(good.id, SYSTEM) is None
    assert await ledger.get(bad.id, SYSTEM) is None
    assert await ledger.add(good) == good


async def test_one_transaction_cannot_bring_two_live_sessions_into_a_room(
    unit_of_work: UnitOfWorkFactory[CallWork], ledger: SessionStore
) -> None:
    room = new_room()
    async with unit_of_work() as work:
        await work.sessions.add(new_session(room))
        await work.sessions.add(new_session(room))
        with pytest.raises(Conflict):
            await work.commit()
    assert await ledger.live_in(room, SYSTEM) is None


async def test_a_commit_without_changes_is_nothing(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    async with unit_of_work() as work:
        await work.commit()
        await work.commit()


async def test_of_many_who_start_in_a_room_one_wins(ledger: SessionStore) -> None:
    room = new_room()
    seen = await outcomes(ledger.add(new_session(room)) for _ in range(MANY))
    assert seen == {type(new_session()): 1, Conflict: MANY - 1}
    assert await ledger.live_in(room, SYSTEM) is not None


async def test_of_many_who_change_a_session_one_wins(ledger: SessionStore) -> None:
    session = await ledger.add(new_session())
    seen = await outcomes(
        ledger.save(session.with_agent_dispatched(f"AD_{n}", NOON)) for n in range(MANY)
    )
    assert seen == {type(session): 1, Conflict: MANY - 1}
    stored = await ledger.get(session.id, SYSTEM)
    assert stored is not None
    assert stored.version == 1


async def test_many_who_start_in_rooms_of_their_own_all_win(ledger: SessionStore) -> None:
    sessions = [new_session() for _ in range(MANY)]
    await asyncio.gather(*map(ledger.add, sessions))
    assert (
        await asyncio.gather(*(ledger.get(session.id, SYSTEM) for session in sessions)) == sessions
    )


async def test_a_transaction_holds_nobody_up_before_it_commits(
    unit_of_work: UnitOfWorkFactory[CallWork], ledger: SessionStore
) -> None:
    mine, theirs = new_session(), new_session()
    async with unit_of_work() as work, asyncio.timeout(30):
        await work.sessions.add(mine)
        await ledger.add(theirs)
        await work.commit()
    assert await ledger.get(mine.id, SYSTEM) == mine
    assert await ledger.get(theirs.id, SYSTEM) == theirs


async def test_a_request_that_is_given_up_leaves_the_ledger_usable(ledger: SessionStore) -> None:
    for patience in (0, 0.0001, 0.0005, 0.001, 0.002):
        task = asyncio.gather(*(ledger.add(new_session()) for _ in range(MANY)))
        await asyncio.sleep(patience)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        session = await ledger.add(new_session())
        assert await ledger.get(session.id, SYSTEM) == session
