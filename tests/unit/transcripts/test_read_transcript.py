"""Whose transcript has which items."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.memory.storage import MemoryStorage
from domain.access.access import SYSTEM
from domain.calls.call import Call
from domain.calls.read_calls import ReadCalls
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.errors import NotFound
from domain.shared.identifiers import CallId, ReportId
from domain.shared.reported import Reported
from domain.transcripts.item import MESSAGE, TranscriptItem
from domain.transcripts.read_transcript import ReadTranscript, Transcript
from tests.contract.storage.ledgers import NOON, access_of, new_call, new_id, new_session

ROOM = "call-room"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ledger() -> MemoryStorage:
    return MemoryStorage(None)


@pytest.fixture
def read(ledger: MemoryStorage) -> ReadTranscript:
    work: Any = ledger.unit_of_work
    sessions = ReadSessions(SessionStore(work, lambda *_: None))
    return ReadTranscript(sessions, ReadCalls(work, str), ledger.transcripts)


async def stored(
    ledger: MemoryStorage, session: Session, *calls: Call, minutes: tuple[int | None, ...]
) -> None:
    """Store the session, its calls, and an item of each minute after noon, or without a time."""
    items = [
        TranscriptItem(
            id=f"item_{minute}",
            type=MESSAGE,
            position=position,
            text=f"minute {minute}",
            created_at=None if minute is None else NOON + minute * MINUTE,
        )
        for position, minute in enumerate(minutes)
    ]
    reported = Reported(
        report_id=ReportId(new_id().value), session_id=session.id, tenant=session.tenant
    )
    async with ledger.unit_of_work() as work:
        await work.sessions.add(session)
        for call in calls:
            await work.calls.add(call)
        await work.commit()
    async with ledger.unit_of_work() as work:
        await work.transcripts.keep(reported, items)
        await work.commit()


def call_of(session: Session | None, begins: int, ends: int | None = None) -> Call:
    """A call of the room, from and to a minute after noon."""
    return new_call(
        room_name=ROOM,
        joined_at=NOON + begins * MINUTE,
        session_id=None if session is None else session.id,
        ended_at=None if ends is None else NOON + ends * MINUTE,
    )


async def texts(transcript: Transcript) -> list[str | None]:
    slices: AsyncIterator[Any] = transcript.slices
    return [item.text async for items in slices for item in items]


async def test_a_session_s_transcript_has_all_of_its_items(
    ledger: MemoryStorage, read: ReadTranscript
) -> None:
    session = new_session(tenant="ann")
    await stored(ledger, session, minutes=(0, 1))

    found = await read.of_session(session.id.value, access_of("ann"))

    assert await texts(found) == ["minute 0", "minute 1"]
    assert (found.session_id, found.call_id, found.began_at) == (session.id, None, NOON)
    assert not found.has_ended
    with pytest.raises(NotFound):
        await read.of_session(session.id.value, access_of("ben"))


async def test_a_session_s_only_call_has_all_of_its_items(
    ledger: MemoryStorage, read: ReadTranscript
) -> None:
    session = new_session()
    call = call_of(session, begins=5)
    await stored(ledger, session, call, minutes=(0, 6, None))

    found = await read.of_call(call.id.value, SYSTEM)

    assert await texts(found) == ["minute 0", "minute 6", "minute None"]
    assert (found.session_id, found.call_id) == (session.id, call.id)


async def test_given_two_calls_of_one_session_then_each_has_what_was_said_while_it_lasted(
    ledger: MemoryStorage, read: ReadTranscript
) -> None:
    session = new_session()
    first, second = call_of(session, begins=1, ends=3), call_of(session, begins=5)
    await stored(ledger, session, first, second, minutes=(0, 1, 3, 4, None, 6, 99))

    assert await texts(await read.of_call(first.id.value, SYSTEM)) == ["minute 1", "minute 3"]
    assert await texts(await read.of_call(second.id.value, SYSTEM)) == ["minute 6", "minute 99"]


async def test_a_call_without_a_session_has_no_items(
    ledger: MemoryStorage, read: ReadTranscript
) -> None:
    call = call_of(None, begins=0)
    await stored(ledger, new_session(), call, minutes=(0,))

    assert await texts(await read.of_call(call.id.value, SYSTEM)) == []
    with pytest.raises(NotFound):
        await read.of_call(CallId(new_id().value).value, SYSTEM)
