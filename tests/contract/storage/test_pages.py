"""Lists of calls and sessions: filters, order, and pages that miss nothing."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from adapters.phonenumbers.phone_numbers import normalised
from domain.access.access import SYSTEM
from domain.calls.apply_fact import apply
from domain.calls.call import Call, CallStatus
from domain.calls.call_facts import ParticipantLeft, ParticipantSeen
from domain.calls.read_calls import ReadCalls
from domain.calls.repository import CallFilter, CallWork
from domain.rooms.sip_leg import Direction, LegStatus
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.session_store import SessionStore
from domain.shared.pagination import Span
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import NOON, new_call, new_room, new_session

SECOND = timedelta(seconds=1)


async def stored(unit_of_work: UnitOfWorkFactory[CallWork], *calls: Call) -> None:
    async with unit_of_work() as work:
        for call in calls:
            await work.calls.add(call)
        await work.commit()


async def test_the_newest_come_first_and_of_the_same_time_the_greater_id(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    calls = [new_call(joined_at=NOON + SECOND * (n // 2)) for n in range(6)]
    await stored(unit_of_work, *calls)
    page = await ReadCalls(unit_of_work, normalised).page(CallFilter(), SYSTEM)
    assert page.items == sorted(calls, key=lambda call: call.age, reverse=True)
    assert page.next is None


@pytest.mark.parametrize(
    "wanted",
    [
        CallFilter(status=CallStatus.ENDED),
        CallFilter(direction=Direction.OUTBOUND),
        CallFilter(from_number="+15105550100"),
        CallFilter(to_number="+15105550199"),
        CallFilter(room_name="call-_+1"),
        CallFilter(created=Span(since=NOON + SECOND)),
        CallFilter(created=Span(until=NOON)),
        CallFilter(created=Span(since=NOON, until=NOON + SECOND), status=CallStatus.RINGING),
    ],
)
async def test_a_filter_shows_what_it_is_about_and_nothing_else(
    unit_of_work: UnitOfWorkFactory[CallWork], wanted: CallFilter
) -> None:
    plain = apply(new_call(), ParticipantSeen(LegStatus.ACTIVE, NOON, Source.WEBHOOK))
    calls = [
        plain,
        apply(new_call(), ParticipantLeft(NOON, Source.WEBHOOK)),
        new_call(direction=Direction.OUTBOUND),
        new_call(from_number="+15105550100"),
        new_call(to_number="+15105550199"),
        new_call(room_name="call-_+1"),
        new_call(joined_at=NOON + SECOND),
        new_call(joined_at=NOON - SECOND),
        apply(new_call(), ParticipantSeen(LegStatus.RINGING, NOON, Source.WEBHOOK)),
    ]
    await stored(unit_of_work, *calls)
    (found,) = (await ReadCalls(unit_of_work, normalised).page(wanted, SYSTEM)).items
    assert found in calls
    assert found != plain


async def test_all_pages_together_show_each_call_once(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    calls = [new_call(joined_at=NOON + SECOND * (n // 5)) for n in range(23)]
    await stored(unit_of_work, *calls)
    read, seen, after = ReadCalls(unit_of_work, normalised), list[Call](), None
    while True:
        page = await read.page(CallFilter(), SYSTEM, after, 4)
        seen += page.items
        # What comes meanwhile is newer, and moves nothing.
        await stored(unit_of_work, new_call(joined_at=NOON + 60 * SECOND))
        after = page.next
        if after is None:
            break
    assert seen == sorted(calls, key=lambda call: call.age, reverse=True)


async def test_all_pages_together_show_each_session_once(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    ledger = SessionStore(unit_of_work)
    read, seen, after = ReadSessions(ledger), list[Session](), None
    sessions = [
        await ledger.add(new_session(created_at=NOON + SECOND * (n // 5))) for n in range(23)
    ]
    while True:
        page = await read.page(SessionFilter(), SYSTEM, after, 4)
        seen += page.items
        await ledger.add(new_session(created_at=NOON + 60 * SECOND))
        after = page.next
        if after is None:
            break
    assert seen == sorted(sessions, key=lambda session: session.age, reverse=True)


async def test_a_page_shows_what_is_committed_only(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    call = new_call()
    session = await SessionStore(unit_of_work).add(new_session())
    await stored(unit_of_work, call)
    async with unit_of_work() as work:
        await work.calls.save(apply(call, ParticipantLeft(NOON, Source.WEBHOOK)))
        await work.calls.add(new_call())
        await work.sessions.save(session.ended(EndReason.ROOM_FINISHED, NOON))
        await work.sessions.add(new_session())
        assert await work.calls.page(CallFilter(), None, 10, SYSTEM) == [call]
        assert await work.sessions.page(SessionFilter(), None, 10, SYSTEM) == [session]


async def test_a_page_that_is_just_full_is_the_last(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    await stored(unit_of_work, *(new_call() for _ in range(3)))
    read = ReadCalls(unit_of_work, normalised)
    assert (await read.page(CallFilter(), limit=3, access=SYSTEM)).next is None
    assert (await read.page(CallFilter(), limit=2, access=SYSTEM)).next is not None


async def test_sessions_have_filters_and_pages_too(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    ledger, read = SessionStore(unit_of_work), ReadSessions(SessionStore(unit_of_work))
    room = new_room()
    old = await ledger.add(new_session(room, created_at=NOON - SECOND))
    old = await ledger.save(old.ended(EndReason.ROOM_FINISHED, NOON))
    live = await ledger.add(new_session(room))
    other = await ledger.add(
        attrs.evolve(new_session(created_at=NOON + SECOND), identity=live.identity)
    )

    async def found(wanted: SessionFilter) -> list[object]:
        return [*(await read.page(wanted, SYSTEM)).items]

    assert await found(SessionFilter()) == [other, live, old]
    assert await found(SessionFilter(room_name=str(room))) == [live, old]
    assert await found(SessionFilter(status=SessionStatus.ENDED)) == [old]
    assert await found(SessionFilter(identity="nobody")) == []
    assert await found(SessionFilter(identity=str(live.identity))) == [other, live, old]
    assert await found(SessionFilter(created=Span(since=NOON, until=NOON + SECOND))) == [live]
    first = await read.page(SessionFilter(), limit=2, access=SYSTEM)
    assert first.next is not None
    assert (await read.page(SessionFilter(), SYSTEM, first.next)).items == [old]
