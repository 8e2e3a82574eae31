"""A list that is searched by a beginning is the whole list, filtered in Python."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Final

import pytest

from adapters.sqlalchemy.engine import prefix_pages
from domain.calls.call import Call
from domain.calls.repository import CallFilter, CallWork
from domain.rooms.sip_leg import Direction
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.shared.identifiers import Identity, RoomName
from domain.shared.prefix import Prefix
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import NOON, new_call, new_id, new_session
from tests.contract.storage.test_any_list import (
    ANYONE,
    TENANTS,
    all_pages,
    call_is_wanted,
    maybe,
    session_is_wanted,
    some_span,
    some_time,
)

ROWS: Final = 50
SEARCHES: Final = 50
BEGINNINGS: Final = (
    "room-", "Room-", "room_", "room%", "r", "ro\\om", "c", "ch", "č", "a'b", '"', "a\u0308", "ä",
    "\ud7ff", "\ue000", "\U0010ffff", "\U0001f600", "RM_", "SCL_", "user|",
)  # fmt: skip
"""With what means something to LIKE, and what collations put where its code points are not."""
NUMBERS: Final = (
    "+15105550100", "+15105550199", "+1510", "15105550100", "5105550100", "+4315880100",
    "0043158801", "anonymous", "a%", None,
)  # fmt: skip
SEARCHED_NUMBERS: Final = (
    "+", "+1", "1510", "+1 510", "(510)", "510-555", "0043", "43 1", "anonym", "a%", "a_",
)  # fmt: skip


@pytest.fixture(params=[prefix_pages.LOOKED_AT, 7], ids=["among the newest", "by indexes"])
def looked_at(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All rows are among the newest, or few of them."""
    monkeypatch.setattr(prefix_pages, "LOOKED_AT", request.param)
    prefix_pages.among_newest.cache_clear()
    yield
    prefix_pages.among_newest.cache_clear()


def some_name(chance: random.Random) -> str:
    return chance.choice(BEGINNINGS) + chance.choice(["", "1", "12", "-x", "\U0010ffff", "é", "%"])


def some_session(chance: random.Random, number: int) -> Session:
    room, sid = RoomName(f"{some_name(chance)}{number}"), f"{some_name(chance)}{number}"
    session = new_session(
        room,
        room_sid=sid if chance.random() < 0.5 else None,
        identity=Identity(some_name(chance)),
        created_at=some_time(chance),
        tenant=chance.choice(TENANTS),
    )
    return session.ended(EndReason.ROOM_FINISHED, NOON) if chance.random() < 0.5 else session


def some_call(chance: random.Random) -> Call:
    return new_call(
        room_name=some_name(chance),
        participant_identity=some_name(chance),
        sip_call_id=some_name(chance) if chance.random() < 0.5 else None,
        joined_at=some_time(chance),
        direction=chance.choice(list(Direction)),
        from_number=chance.choice(NUMBERS),
        to_number=chance.choice(NUMBERS),
        tenant=chance.choice(TENANTS),
    )


def some_text(chance: random.Random, record_id: str) -> str:
    """Beginnings that many rows have, that one has, and that none has."""
    name = some_name(chance)
    texts = [
        name,
        name[:1],
        name[:-1] or name,
        record_id[: chance.randrange(7, 37)],
        "none",
        "_",
        "%",
    ]
    return chance.choice([*texts, *SEARCHED_NUMBERS])


def begins(text: str, name: str | None) -> bool:
    return name is not None and name.startswith(text)


def is_number(text: str, number: str | None) -> bool:
    digits = re.sub(r"[ ()-]", "", text)
    if begins(text, number) or number is None or not re.fullmatch(r"\+?\d+", digits):
        return begins(text, number)
    bare = digits.removeprefix("+")
    return number.removeprefix("+").startswith(bare) or (
        digits.startswith("00") and number.startswith("+" + digits[2:])
    )


def is_id(text: str, record_id: str) -> bool:
    return len(text) >= 8 and record_id.startswith(text.lower())


@pytest.mark.usefixtures("looked_at")
async def test_sessions_that_are_searched_are_those_of_the_whole_list_that_begin_so(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    chance = random.Random(1)
    sessions = [some_session(chance, number) for number in range(ROWS)]
    async with unit_of_work() as work:
        for session in sessions:
            await work.sessions.add(session)
        await work.commit()
    newest_first = sorted(sessions, key=lambda session: session.age, reverse=True)

    for _ in range(SEARCHES):
        text = some_text(chance, chance.choice([*sessions, new_session()]).id.value)
        prefix = Prefix.parse(text)
        assert prefix is not None
        wanted = SessionFilter(
            prefix=prefix,
            status=maybe(chance, list(SessionStatus)) if chance.random() < 0.5 else None,
            identity=maybe(chance, [some_name(chance)]) if chance.random() < 0.3 else None,
            room_name=maybe(chance, [str(chance.choice(sessions).room_name)])
            if chance.random() < 0.3
            else None,
            created=some_span(chance),
        )
        access, limit = chance.choice(ANYONE), chance.choice([2, 9, 51])
        found = [one async for one in all_pages(work.sessions.page, wanted, limit, access)]
        assert found == [
            one
            for one in newest_first
            if access.sees(one.tenant)
            and session_is_wanted(one, wanted)
            and (
                is_id(text, one.id.value)
                or any(
                    begins(prefix.text, name)
                    for name in (one.room_name.value, one.room_sid, one.identity.value)
                )
            )
        ], (wanted, access)


@pytest.mark.usefixtures("looked_at")
async def test_calls_that_are_searched_are_those_of_the_whole_list_that_begin_so(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    chance = random.Random(1)
    calls = [some_call(chance) for _ in range(ROWS)]
    async with unit_of_work() as work:
        for call in calls:
            await work.calls.add(call)
        await work.commit()
    newest_first = sorted(calls, key=lambda call: call.age, reverse=True)

    for _ in range(SEARCHES):
        text = some_text(chance, chance.choice([calls[0].id.value, new_id().value]))
        prefix = Prefix.parse(text)
        assert prefix is not None
        wanted = CallFilter(
            prefix=prefix,
            direction=maybe(chance, list(Direction)),
            from_number=maybe(chance, ["+15105550100"]) if chance.random() < 0.3 else None,
            created=some_span(chance),
        )
        access, limit = chance.choice(ANYONE), chance.choice([2, 9, 51])
        found = [one async for one in all_pages(work.calls.page, wanted, limit, access)]
        assert found == [
            one
            for one in newest_first
            if access.sees(one.tenant)
            and call_is_wanted(one, wanted)
            and (
                is_id(text, one.id.value)
                or any(begins(prefix.text, name) for name in names_of(one))
                or any(
                    is_number(prefix.text, number)
                    for number in (one.parties.from_number, one.parties.to_number)
                )
            )
        ], (wanted, access)


def names_of(call: Call) -> tuple[str | None, ...]:
    assert call.leg is not None
    return call.leg.room_name, call.leg.participant_identity, call.leg.sip_call_id
