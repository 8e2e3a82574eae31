"""Looking calls up, and lists of calls and of sessions, page by page."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.access.access import SYSTEM, Access, Scope
from domain.calls.call import Call
from domain.calls.repository import CallFilter
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.shared.errors import NotFound
from domain.shared.pagination import Capacity
from tests.unit.worlds.telephony import PhoneWorld

STRANGER = Access(tenant="b", scopes=frozenset({Scope.CALLS_READ}), sees_unowned=False)


@pytest.fixture(scope="module")
def many_calls() -> tuple[PhoneWorld, list[Call]]:
    """More calls than a page has; to make them takes a second, and they are only read."""
    return asyncio.run(with_calls(120))


async def with_calls(number: int) -> tuple[PhoneWorld, list[Call]]:
    """So many calls, each in a room of its own, the newest first."""
    world = PhoneWorld()
    legs = []
    for count in range(number):
        legs.append(world.joins(f"sip_{count}", f"room-{count}"))
        await world.hears_all()
        world.clock.advance(timedelta(seconds=1))
    return world, [world.call(leg) for leg in reversed(legs)]


async def test_a_call_is_found_by_its_id_and_by_its_room() -> None:
    world, [newer, older] = await with_calls(2)

    for call in (newer, older):
        assert await world.read_calls.by_id(str(call.id), SYSTEM) == call
        assert await world.read_calls.by_room(call.parties.room_name, SYSTEM) == call


@pytest.mark.parametrize("wanted", ["", "x", "00000000-0000-7000-8000-00000000ffff", "\0"])
async def test_another_call_is_not_there(wanted: str) -> None:
    world, _ = await with_calls(1)

    with pytest.raises(NotFound, match="There is no call with this id") as by_id:
        await world.read_calls.by_id(wanted, SYSTEM)
    with pytest.raises(NotFound, match="There was never a call in this room") as by_room:
        await world.read_calls.by_room(wanted, SYSTEM)

    assert by_id.value.details == {"field": "callId"}
    assert by_room.value.details == {"field": "roomName"}


async def test_anothers_call_is_not_there_either() -> None:
    world, [call] = await with_calls(1)

    with pytest.raises(NotFound):
        await world.read_calls.by_id(str(call.id), STRANGER)
    with pytest.raises(NotFound):
        await world.read_calls.by_room(call.parties.room_name, STRANGER)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_the_pages_of_calls_are_all_of_them_once(limit: int) -> None:
    world, calls = await with_calls(4)

    pages = [await world.read_calls.page(CallFilter(), SYSTEM, None, limit)]
    while pages[-1].next is not None:
        pages.append(await world.read_calls.page(CallFilter(), SYSTEM, pages[-1].next, limit))

    assert [call for page in pages for call in page.items] == calls
    assert len(pages) == -(-4 // limit)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
async def test_the_pages_of_sessions_are_all_of_them_once(limit: int) -> None:
    world, calls = await with_calls(4)

    pages = [await world.read_sessions.page(SessionFilter(), SYSTEM, None, limit)]
    while pages[-1].next is not None:
        pages.append(await world.read_sessions.page(SessionFilter(), SYSTEM, pages[-1].next, limit))

    there = [session.id for page in pages for session in page.items]
    assert there == [call.session_id for call in calls]
    assert len(pages) == -(-4 // limit)


@pytest.mark.parametrize("limit", [1, 15, 16, 17, 100, 200])
@pytest.mark.parametrize(
    ("most", "size", "fit"), [(100, 10, 10), (100, 1, 100), (100, 30, 3), (100, 1000, 1)]
)
async def test_a_page_ends_where_its_items_are_too_large_and_the_next_goes_on(
    many_calls: tuple[PhoneWorld, list[Call]], limit: int, most: int, size: int, fit: int
) -> None:
    world, calls = many_calls
    capacity = Capacity[Call](most, lambda _: size)

    pages = [await world.read_calls.page(CallFilter(), SYSTEM, None, limit, capacity)]
    while (place := pages[-1].next) is not None:
        pages.append(await world.read_calls.page(CallFilter(), SYSTEM, place, limit, capacity))

    assert [call for page in pages for call in page.items] == calls
    assert {len(page.items) for page in pages[:-1]} <= {min(limit, fit)}
    assert pages[-1].items
    sessions = await world.read_sessions.page(
        SessionFilter(), SYSTEM, None, limit, Capacity(most, len_of)
    )
    assert len(sessions.items) == min(limit, 120)


def len_of(_session: Session) -> int:
    return 0
