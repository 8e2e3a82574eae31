"""What is live, for the reconciler: outlines, a page at a time, and of all that is committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from adapters.sqlalchemy.engine.database import PAGE
from adapters.sqlalchemy.storage import SqlStorage
from domain.access.access import SYSTEM
from domain.calls.apply_fact import apply
from domain.calls.call_facts import AgentDispatched, ParticipantLeft, ParticipantSeen
from domain.calls.repository import CallWork
from domain.calls.room_calls import CallOutline
from domain.rooms.sip_leg import LegStatus
from domain.sessions.session import Session
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import RoomName
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.contract.storage.ledgers import NOON, new_call, new_session, noted, opened

SECOND = timedelta(seconds=1)


async def sessions_of(work: CallWork) -> list[SessionOutline]:
    return [one async for page in work.sessions.live([], SYSTEM) for one in page]


async def calls_of(work: CallWork) -> list[CallOutline]:
    return [one async for page in work.calls.live([], SYSTEM) for one in page]


def outline(session: SessionOutline) -> dict[str, object]:
    names = [field.name for field in attrs.fields(SessionOutline)]
    return {name: getattr(session, name) for name in names}


def in_every_state() -> Sequence[Session]:
    new = new_session()
    dispatched = new_session().with_agent_dispatched("AD_1", NOON)
    return [
        new,
        new_session().claimed("me", NOON, SECOND),
        dispatched,
        new_session().with_dispatch_failed(NOON, uncertain=True),
        new_session().with_agent_dispatched("AD_2", NOON).activated("RM_1", NOON),
        new_session().ended(EndReason.ROOM_FINISHED, NOON).claimed_after_end("me", NOON, SECOND),
    ]


async def test_given_sessions_in_every_state_then_their_outlines_are_told(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    live = in_every_state()
    ended = new_session().ended(EndReason.ROOM_FINISHED, NOON)
    async with unit_of_work() as work:
        for session in (*live, ended):
            await work.sessions.add(session)
        assert await sessions_of(work) == [], "what is not committed is not told"
        await work.commit()

        found = {one.id: outline(one) for one in await sessions_of(work)}

    assert found == {one.id: outline(one) for one in live}


async def test_given_calls_in_every_state_then_their_outlines_are_told(
    unit_of_work: UnitOfWorkFactory[CallWork],
) -> None:
    session_id = new_session().id
    ringing = apply(new_call(), ParticipantSeen(LegStatus.RINGING, NOON, Source.WEBHOOK))
    live = [
        new_call(),
        ringing,
        apply(new_call(), ParticipantSeen(None, NOON, Source.WEBHOOK)),
        apply(
            new_call(),
            ParticipantSeen(None, NOON, Source.WEBHOOK),
            AgentDispatched(session_id, NOON),
        ),
    ]
    async with unit_of_work() as work:
        for call in (*live, apply(new_call(), ParticipantLeft(NOON, Source.WEBHOOK))):
            await work.calls.add(call)
        await work.commit()

        found = sorted(await calls_of(work), key=lambda one: one.id.value)

    assert found == [call.outline for call in sorted(live, key=lambda call: call.id.value)]


@pytest.mark.parametrize("rooms", [1, 2 * PAGE + 1])
async def test_given_more_entries_than_a_page_then_each_is_told_once(
    unit_of_work: UnitOfWorkFactory[CallWork], rooms: int
) -> None:
    number = 2 * PAGE + 1
    async with unit_of_work() as work:
        for index in range(number):
            # Upper and lower case, which databases sort in other ways.
            name = f"{'Room' if index % 2 else 'room'}-{index}"
            await work.sessions.add(attrs.evolve(new_session(), room_name=RoomName(name)))
            await work.calls.add(new_call(room_sid=f"RM_{index % rooms}"))
        await work.commit()

        sessions = [one.id async for page in work.sessions.live([], SYSTEM) for one in page]
        calls = [one.id async for page in work.calls.live([], SYSTEM) for one in page]

    assert len(sessions) == len(set(sessions)) == number
    assert len(calls) == len(set(calls)) == number


async def test_given_large_configurations_and_histories_then_they_are_not_read(
    sqlite_url: str,
) -> None:
    async with opened(sqlite_url) as ledger:
        assert isinstance(ledger, SqlStorage)
        sent = noted(ledger)
        async with ledger.unit_of_work() as work:
            assert await sessions_of(work) == []
            assert await calls_of(work) == []

    statements = [statement for statement, _ in sent if statement.startswith("SELECT")]
    assert len(statements) == 2
    for statement in statements:
        assert "agent_config" not in statement
        assert "timeline" not in statement
        assert "LIMIT" in statement
