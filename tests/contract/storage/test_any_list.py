"""Whatever a list is filtered by, every storage shows the same pages.

Only here are filters, tenants and cursors combined; test_pages.py has each one's meaning.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from domain.access.access import SYSTEM, Access
from domain.calls.apply_fact import apply
from domain.calls.call import Call, CallStatus
from domain.calls.call_facts import ParticipantLeft, ParticipantSeen
from domain.calls.repository import CallFilter, CallWork
from domain.rooms.sip_leg import Direction, LegStatus
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.identifiers import Identity
from domain.shared.pagination import Cursor, Span
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import NOON, access_of, new_call, new_room, new_session

ROWS: Final = 60
FILTERS: Final = 75
SECOND: Final = timedelta(seconds=1)
TENANTS: Final = (None, "acme", "beta")
ROOMS: Final = [new_room() for _ in range(3)]
NUMBERS: Final = (None, "+15105550100", "+15105550199")
IDENTITIES: Final = ("ann", "ben")
ANYONE: Final[Sequence[Access]] = (
    SYSTEM,
    SYSTEM,
    *(access_of(tenant) for tenant in ("acme", "beta", "nobody", None)),
    *(access_of(tenant, sees_unowned=True) for tenant in ("acme", "nobody")),
)


def some_time(chance: random.Random) -> datetime:
    """Few of them, so that many rows share one."""
    return NOON + chance.randrange(8) * SECOND


def some_span(chance: random.Random) -> Span:
    return Span(
        since=some_time(chance) if chance.random() < 0.3 else None,
        until=some_time(chance) if chance.random() < 0.3 else None,
    )


def some_call(chance: random.Random) -> Call:
    call = new_call(
        room_name=str(chance.choice(ROOMS)),
        joined_at=some_time(chance),
        direction=chance.choice(list(Direction)),
        from_number=chance.choice(NUMBERS),
        to_number=chance.choice(NUMBERS),
        tenant=chance.choice(TENANTS),
    )
    moves = chance.choice([[], [LegStatus.RINGING], [LegStatus.ACTIVE]])
    for status in moves:
        call = apply(call, ParticipantSeen(status, NOON, Source.WEBHOOK))
    return apply(call, ParticipantLeft(NOON, Source.WEBHOOK)) if chance.random() < 0.6 else call


def some_session(chance: random.Random, live: set[object]) -> Session:
    room = chance.choice(ROOMS) if chance.random() < 0.6 else new_room()
    session = new_session(
        room,
        identity=Identity(chance.choice(IDENTITIES)),
        created_at=some_time(chance),
        tenant=chance.choice(TENANTS),
    )
    if room in live or chance.random() < 0.6:
        return session.ended(EndReason.ROOM_FINISHED, NOON)
    live.add(room)
    return session


def maybe(chance: random.Random, values: Sequence[Any]) -> Any:
    return chance.choice(values) if chance.random() < 0.4 else None


def some_call_filter(chance: random.Random) -> CallFilter:
    return CallFilter(
        status=maybe(chance, list(CallStatus)),
        direction=maybe(chance, list(Direction)),
        from_number=maybe(chance, ["+15105550100", "+15105550199", "none"]),
        to_number=maybe(chance, ["+15105550100", "+15105550199", "none"]),
        room_name=maybe(chance, [str(ROOMS[0]), "none"]) if chance.random() < 0.3 else None,
        created=some_span(chance),
    )


def some_session_filter(chance: random.Random) -> SessionFilter:
    return SessionFilter(
        status=maybe(chance, list(SessionStatus)),
        identity=maybe(chance, ["ann", "ben", "none"]),
        room_name=maybe(chance, [str(ROOMS[0]), "none"]),
        created=some_span(chance),
    )


def call_is_wanted(call: Call, wanted: CallFilter) -> bool:
    parties = call.parties
    pairs = (
        (wanted.status, call.status),
        (wanted.direction, parties.direction),
        (wanted.from_number, parties.from_number),
        (wanted.to_number, parties.to_number),
        (wanted.room_name, parties.room_name),
    )
    return all(one is None or one == other for one, other in pairs) and wanted.created.holds(
        call.created_at
    )


def session_is_wanted(session: Session, wanted: SessionFilter) -> bool:
    pairs = (
        (wanted.status, session.status),
        (wanted.identity, session.identity.value),
        (wanted.room_name, session.room_name.value),
    )
    return all(one is None or one == other for one, other in pairs) and wanted.created.holds(
        session.created_at
    )


async def all_pages(
    list_page: Any, wanted: object, limit: int, access: Access
) -> AsyncIterator[Any]:
    after = None
    while True:
        page = await list_page(wanted, after, limit, access)
        for one in page:
            yield one
        if len(page) < limit:
            return
        after = Cursor(*page[-1].age)


@pytest.mark.parametrize("seed", [1, 2])
async def test_calls_are_those_that_are_wanted_in_their_order(
    unit_of_work: UnitOfWorkFactory[CallWork], seed: int
) -> None:
    chance = random.Random(seed)
    calls = [some_call(chance) for _ in range(ROWS)]
    async with unit_of_work() as work:
        for call in calls:
            await work.calls.add(call)
        await work.commit()
    newest_first = sorted(calls, key=lambda call: call.age, reverse=True)

    for _ in range(FILTERS):
        wanted, limit = some_call_filter(chance), chance.choice([1, 3, 51])
        access = chance.choice(ANYONE)
        found = [one async for one in all_pages(work.calls.page, wanted, limit, access)]
        visible = [one for one in newest_first if access.sees(one.tenant)]
        assert found == [one for one in visible if call_is_wanted(one, wanted)], (wanted, access)


@pytest.mark.parametrize("seed", [1, 2])
async def test_sessions_are_those_that_are_wanted_in_their_order(
    unit_of_work: UnitOfWorkFactory[CallWork], seed: int
) -> None:
    chance, live = random.Random(seed), set[object]()
    sessions = [some_session(chance, live) for _ in range(ROWS)]
    async with unit_of_work() as work:
        for session in sessions:
            await work.sessions.add(session)
        await work.commit()
    newest_first = sorted(sessions, key=lambda session: session.age, reverse=True)

    for _ in range(FILTERS):
        wanted, limit = some_session_filter(chance), chance.choice([1, 3, 51])
        access = chance.choice(ANYONE)
        found = [one async for one in all_pages(work.sessions.page, wanted, limit, access)]
        visible = [one for one in newest_first if access.sees(one.tenant)]
        assert found == [one for one in visible if session_is_wanted(one, wanted)], (wanted, access)
