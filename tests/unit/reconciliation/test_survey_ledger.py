"""Going through tens of thousands of live entries fills no memory and holds up no request."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self, cast

import attrs

from domain.access.access import Access
from domain.calls.repository import CallWork
from domain.calls.room_calls import CallOutline
from domain.reconciliation.absences import Absences
from domain.reconciliation.room_choice import Reason, RoomChoice
from domain.reconciliation.room_selection import RoomSelection
from domain.reconciliation.survey_ledger import Survey, SurveyLedger
from domain.rooms.room import Room
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import SessionStatus
from domain.shared.identifiers import CallId, RoomName, SessionId
from domain.shared.unit_of_work import UnitOfWorkFactory
from tests.unit.worlds.fakes import NOON
from tests.unit.worlds.telephony import INTERVAL

PAGE = 500


def uuid(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012x}"


@attrs.frozen
class Sessions:
    """So many, each in a room of its own, made as they are asked for."""

    number: int

    async def live(
        self, _unreadable: list[Any], _access: Access
    ) -> AsyncIterator[list[SessionOutline]]:
        for first in range(0, self.number, PAGE):
            yield [
                SessionOutline(
                    id=SessionId(uuid(number)),
                    room_name=RoomName(f"room-{number}"),
                    room_sid=f"RM_{number}",
                    dispatch_id=f"AD_{number}",
                    status=SessionStatus.ACTIVE,
                    created_at=NOON,
                    version=3,
                )
                for number in range(first, first + PAGE)
            ]


@attrs.frozen
class Calls:
    """So many, each in a room of its own."""

    number: int

    async def live(
        self, _unreadable: list[Any], _access: Access
    ) -> AsyncIterator[list[CallOutline]]:
        for first in range(0, self.number, PAGE):
            yield [
                CallOutline(
                    id=CallId(uuid(number)),
                    room_name=f"room-{number}",
                    room_sid=f"RM_{number}",
                    is_answered=True,
                    has_session=True,
                )
                for number in range(first, first + PAGE)
            ]


@attrs.frozen
class Work:
    sessions: Sessions
    calls: Calls

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def survey(sessions: int, calls: int) -> SurveyLedger:
    return SurveyLedger(
        unit_of_work=cast(
            "UnitOfWorkFactory[CallWork]", lambda: Work(Sessions(sessions), Calls(calls))
        ),
        choice=RoomChoice(),
        selection=RoomSelection(),
    )


def listed(number: int) -> dict[str, Room]:
    return {f"room-{one}": Room(f"room-{one}", f"RM_{one}", 1) for one in range(number)}


async def peak_of(surveying: SurveyLedger, rooms: dict[str, Room]) -> tuple[Survey, int]:
    """Return the survey, and how many bytes it took at most beside the rooms' list."""
    tracemalloc.start()
    try:
        found = await surveying(rooms, Absences(INTERVAL), NOON)
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_given_many_sessions_in_rooms_then_they_take_little_memory() -> None:
    number = 20 * PAGE

    found, peak = await peak_of(survey(number, 0), listed(number))

    assert (found.live, found.listed, len(found.rooms[Reason.NEW])) == (number, number, number)
    # An outline takes some 700 bytes, a whole session with its prompt twenty thousand.
    assert peak < 300 * number


async def test_given_livekit_lists_none_of_many_sessions_then_they_take_little_memory() -> None:
    number = 20 * PAGE

    found, peak = await peak_of(survey(number, 0), {})

    assert len(found.sessions) == found.live == number
    assert peak < 400 * number


async def test_given_many_sessions_and_calls_then_other_tasks_go_on_meanwhile() -> None:
    number = 20 * PAGE
    turns = 0

    async def request() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(request())
    await survey(number, number)(listed(2 * number), Absences(INTERVAL), NOON)
    other.cancel()

    assert turns >= (number + number + 2 * number) // PAGE
