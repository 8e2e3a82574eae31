"""Any changes at the same time: each unit is done whole or not at all, and its outcome says which.

Only here do units of every shape (one change, several, of records that are there, are new, or
are changed by others in the same batch) meet in one batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.errors import Conflict
from tests.contract.storage.ledgers import new_session, opened

pytestmark = pytest.mark.slow

KNOWN: Final = 4


@attrs.frozen
class Add:
    """A new session, in a room of its own or in that of a known one, which is a conflict."""

    room_of: int | None

    def change(self, known: Sequence[Session]) -> Session:
        return new_session(None if self.room_of is None else known[self.room_of].room_name)


@attrs.frozen
class Save:
    """A change of a known session, as it was before the batch."""

    number: int

    def change(self, known: Sequence[Session]) -> Session:
        return attrs.evolve(known[self.number].released(), room_sid=f"RM_{self.number}")


CHANGES: Final = some.one_of(
    some.builds(Add, some.none()),
    some.builds(Add, some.integers(0, KNOWN - 1)),
    some.builds(Save, some.integers(0, KNOWN - 1)),
)
UNITS: Final = some.lists(some.lists(CHANGES, min_size=1, max_size=3), min_size=1, max_size=12)


@pytest.mark.parametrize("urgent", [True, False])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(units=UNITS)
async def test_each_unit_is_done_whole_or_not_at_all(
    sql_url: str,
    urgent: bool,  # noqa: FBT001 - a parameter of the test
    units: list[list[Add | Save]],
) -> None:
    async with opened(sql_url) as storage:
        assert isinstance(storage, SqlStorage)
        ledger = SessionStore(storage.unit_of_work)
        known = [await ledger.add(new_session()) for _ in range(KNOWN)]
        changes = [[change.change(known) for change in unit] for unit in units]

        outcomes = await asyncio.gather(
            *(committed(storage, unit, urgent=urgent) for unit in changes), return_exceptions=True
        )

        for outcome in outcomes:
            assert outcome is None or isinstance(outcome, Conflict), outcome
        done = [unit for unit, outcome in zip(changes, outcomes, strict=True) if outcome is None]
        expected = {session.id: session for session in known}
        for session in (session for unit in done for session in unit):
            before = expected.get(session.id)
            assert before is None or before.version == session.version, "two have changed it"
            expected[session.id] = session if before is None else session.stored()
        stored = {
            session.id: await ledger.get(session.id, SYSTEM)
            for session in [*known, *(session for unit in changes for session in unit)]
        }
        assert {key: found for key, found in stored.items() if found is not None} == expected
        assert_alone_succeeds(changes, outcomes, known)


async def committed(storage: SqlStorage, unit: Sequence[Session], *, urgent: bool) -> None:
    async with storage.unit_of_work() as work:
        for session in unit:
            if session.room_sid is None:
                await work.sessions.add(session)
            else:
                await work.sessions.save(session)
        await work.commit(urgent=urgent)


def assert_alone_succeeds(
    changes: Sequence[Sequence[Session]], outcomes: Sequence[object], known: Sequence[Session]
) -> None:
    """A unit is not refused because of another whose records it does not touch."""
    taken = {session.room_name for session in known}
    rooms = [[session.room_name for session in unit] for unit in changes]
    for number, (unit, outcome) in enumerate(zip(changes, outcomes, strict=True)):
        others = {room for other, of in enumerate(rooms) if other != number for room in of}
        added = {session.room_name for session in unit if session.room_sid is None}
        is_alone = others.isdisjoint(rooms[number]) and len({*rooms[number]}) == len(unit)
        if is_alone and added.isdisjoint(taken):
            assert outcome is None, unit
