"""What the port says of the repository, one sentence after another."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from domain.access.access import SYSTEM
from domain.calls.repository import CallWork
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.errors import Conflict
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import NOON, new_room, new_session


@pytest.fixture
def ledger(unit_of_work: UnitOfWorkFactory[CallWork]) -> SessionStore:
    return SessionStore(unit_of_work)


def ended(session: Session) -> Session:
    return session.ended(EndReason.ENDED_BY_CALLER, NOON)


async def test_an_empty_ledger_knows_nothing(ledger: SessionStore) -> None:
    unknown = new_session()
    assert await ledger.get(unknown.id, SYSTEM) is None
    assert await ledger.live_in(unknown.room_name, SYSTEM) is None
    assert await ledger.newest_in(unknown.room_name, SYSTEM) is None


async def test_a_session_is_found_by_id_and_by_room(ledger: SessionStore) -> None:
    session = await ledger.add(new_session())
    await ledger.add(new_session())
    assert await ledger.get(session.id, SYSTEM) == session
    assert await ledger.live_in(session.room_name, SYSTEM) == session
    assert await ledger.newest_in(session.room_name, SYSTEM) == session


async def test_a_room_with_a_live_session_takes_no_other(ledger: SessionStore) -> None:
    first = await ledger.add(new_session())
    second = new_session(first.room_name)
    with pytest.raises(Conflict):
        await ledger.add(second)
    assert await ledger.get(second.id, SYSTEM) is None
    assert await ledger.live_in(first.room_name, SYSTEM) == first


async def test_an_id_is_taken_once(ledger: SessionStore) -> None:
    first = await ledger.add(new_session())
    with pytest.raises(Conflict):
        await ledger.add(attrs.evolve(first, room_name=new_room()))
    assert await ledger.get(first.id, SYSTEM) == first


async def test_a_session_that_ended_lets_a_new_one_in(ledger: SessionStore) -> None:
    first = await ledger.save(ended(await ledger.add(new_session())))
    assert await ledger.live_in(first.room_name, SYSTEM) is None
    second = await ledger.add(new_session(first.room_name))
    assert await ledger.live_in(first.room_name, SYSTEM) == second
    assert await ledger.get(first.id, SYSTEM) == first


async def test_a_session_that_is_added_ended_does_not_take_the_room(ledger: SessionStore) -> None:
    live = await ledger.add(new_session())
    await ledger.add(ended(new_session(live.room_name)))
    assert await ledger.live_in(live.room_name, SYSTEM) == live


async def test_a_save_counts_the_version_up(ledger: SessionStore) -> None:
    session = await ledger.add(new_session())
    for version in (1, 2, 3):
        session = await ledger.save(session.with_agent_dispatched(f"AD_{version}", NOON))
        assert session.version == version
        assert await ledger.get(session.id, SYSTEM) == session
        assert await ledger.live_in(session.room_name, SYSTEM) == session
        assert await ledger.newest_in(session.room_name, SYSTEM) == session


async def test_a_change_of_what_has_changed_since_is_refused(ledger: SessionStore) -> None:
    read = await ledger.add(new_session())
    stored = await ledger.save(read.with_agent_dispatched("AD_1", NOON))
    with pytest.raises(Conflict):
        await ledger.save(read.with_agent_dispatched("AD_2", NOON))
    with pytest.raises(Conflict):
        await ledger.save(attrs.evolve(stored, version=stored.version + 1))
    assert await ledger.get(read.id, SYSTEM) == stored


async def test_a_change_of_what_was_never_stored_is_refused(ledger: SessionStore) -> None:
    unknown = new_session()
    with pytest.raises(Conflict):
        await ledger.save(unknown)
    assert await ledger.get(unknown.id, SYSTEM) is None


async def test_an_ended_session_cannot_come_back_beside_another(ledger: SessionStore) -> None:
    first = await ledger.add(new_session())
    over = await ledger.save(ended(first))
    second = await ledger.add(new_session(first.room_name))
    with pytest.raises(Conflict):
        await ledger.save(attrs.evolve(first, version=over.version))
    assert await ledger.live_in(first.room_name, SYSTEM) == second


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_newest_was_created_last_whenever_it_was_stored(
    ledger: SessionStore, order: tuple[int, ...]
) -> None:
    room = new_room()
    created = [ended(new_session(room, created_at=NOON + timedelta(milliseconds=n))) for n in order]
    for session in created:
        await ledger.add(session)
    assert await ledger.newest_in(room, SYSTEM) == max(
        created, key=lambda session: session.created_at
    )


async def test_of_two_created_at_once_the_greater_id_is_newer(ledger: SessionStore) -> None:
    room = new_room()
    sessions = [ended(new_session(room)) for _ in range(5)]
    for session in sorted(sessions, key=lambda session: hash(session.id)):
        await ledger.add(session)
    assert await ledger.newest_in(room, SYSTEM) == max(
        sessions, key=lambda session: session.id.value
    )


async def test_the_newest_may_be_ended_while_an_older_one_is_live(ledger: SessionStore) -> None:
    older = await ledger.add(new_session())
    newer = ended(new_session(older.room_name, created_at=NOON + timedelta(seconds=1)))
    await ledger.add(newer)
    assert await ledger.newest_in(older.room_name, SYSTEM) == newer
    assert await ledger.live_in(older.room_name, SYSTEM) == older
    changed = await ledger.save(older.with_agent_dispatched("AD_1", NOON))
    assert await ledger.newest_in(older.room_name, SYSTEM) == newer
    assert await ledger.live_in(older.room_name, SYSTEM) == changed


async def test_room_names_are_told_apart_by_case(ledger: SessionStore) -> None:
    lower = await ledger.add(new_session())
    upper = new_session(type(lower.room_name)(lower.room_name.value.upper()))
    await ledger.add(upper)
    assert await ledger.live_in(lower.room_name, SYSTEM) == lower
    assert await ledger.live_in(upper.room_name, SYSTEM) == upper
