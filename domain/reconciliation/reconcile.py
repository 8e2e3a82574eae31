"""Compare the ledger with what LiveKit lists, and repair what differs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import attrs

from domain.access.access import SYSTEM
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.repository import CallWork
from domain.calls.room_calls import CallOutline
from domain.reconciliation.absences import Absences
from domain.reconciliation.check_room import CheckRoom
from domain.reconciliation.repairs import Repairs
from domain.reconciliation.room_choice import RoomChoice
from domain.reconciliation.room_selection import RoomSelection
from domain.reconciliation.survey_ledger import AT_ONCE, SessionVersion, Survey, SurveyLedger
from domain.rooms.room import Room
from domain.rooms.rooms import Rooms
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import (
    ClaimHeld,
    Conflict,
    DomainError,
    SessionEnded,
    StorageUnavailable,
    TooEarly,
    Unreadable,
)
from domain.shared.identifiers import RoomName
from domain.shared.unit_of_work import UnitOfWorkFactory

MANY: Final = 3
MANY_OF: Final = 10
"""More than three entries, and more than a tenth of all, end only once that lasted longer."""

HELD_LOOKS: Final = 3
"""How many intervals an absence of many entries must last."""

WARNS_FOR: Final = 3
"""For how many intervals a warning about held entries is valid."""

STORAGE_FAILURES: Final = 16
"""So many storage failures in one cycle mean that the storage is unreachable."""

Item = TypeVar("Item")


@attrs.frozen(kw_only=True)
class Reconciliation:
    """The result of one cycle.

    ``repairs`` and ``failures`` are counted by kind; ``problems`` are reasons why rooms must wait
    for the next cycle, ``defects`` unexpected exceptions. ``held`` says why entries that are
    missing from LiveKit are kept for now.
    """

    rooms: int
    examined: int
    repairs: Counter[str]
    failures: Counter[str]
    problems: list[str]
    defects: list[Exception]
    held: str | None = None
    held_entries: int = 0


@attrs.define(kw_only=True)
class Reconcile:
    """Compare the ledger with LiveKit's rooms in cycles.

    A cycle costs one ListRooms, and ListParticipants for the rooms that give a reason.
    Absences are confirmed before anything ends: by a second look at least one ``interval`` later,
    and by a question about that room. Where many entries would end at once, LiveKit may have failed
    to list its rooms rather than closed them: these wait longer, and ``held`` says so.
    ``parallel`` rooms are looked into at a time; a failure in one stops no other.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    ledger: SessionStore
    rooms: Rooms
    check_room: CheckRoom
    record_call_fact: RecordCallFact
    clock: Clock
    interval: timedelta
    choice: RoomChoice = attrs.field(factory=RoomChoice)
    selection: RoomSelection = attrs.field(factory=RoomSelection)
    parallel: int = 16
    held: str | None = attrs.field(default=None, init=False)
    _held_at: datetime = attrs.field(default=datetime.min.replace(tzinfo=UTC), init=False)
    _absences: Absences = attrs.field(init=False)
    _done: Reconciliation = attrs.field(init=False)
    _left: list[CallOutline] = attrs.field(factory=list, init=False)

    @_absences.default
    def _new_absences(self) -> Absences:
        return Absences(self.interval)

    async def __call__(self) -> Reconciliation:
        """Run one cycle.

        Raises ``LiveKitError`` if LiveKit does not list its rooms, which ends
        nothing, or :class:`~domain.shared.errors.StorageUnavailable`.
        """
        rooms = {room.name: room for room in await self.rooms.all()}
        now = self.clock.now()
        look_at = SurveyLedger(
            unit_of_work=self.unit_of_work, choice=self.choice, selection=self.selection
        )
        self._absences.begin_cycle()
        survey = await look_at(rooms, self._absences, now)
        chosen = self.choice.pick(survey.rooms)
        self._done = Reconciliation(
            rooms=survey.listed,
            examined=len(chosen),
            repairs=Counter(),
            failures=Counter(),
            problems=[],
            defects=[],
        )
        for error in survey.unreadable:
            self._note_failure(error)
        self._left = []
        # Rooms where a person may wait for an agent come before what is over.
        await self._each(chosen, self._look_into)
        return await self._end_missing(rooms, survey, now)

    def warning(self) -> str | None:
        """Say why entries that LiveKit does not list are kept; None where there are none.

        Another replica may have reconciled since: what this one found is old then.
        """
        is_old = self.clock.now() - self._held_at > WARNS_FOR * self.interval
        return None if is_old else self.held

    async def _look_into(self, room: Room) -> None:
        session, now = await self.ledger.live_in(RoomName(room.name), SYSTEM), self.clock.now()
        async with self.unit_of_work() as work:
            calls = await work.calls.live_in(room.sid, SYSTEM)
        found = await self.check_room(
            room,
            session,
            calls,
            self._absences,
            self._done.repairs,
            first=self.choice.is_new(room, session, now),
            left_to_others=self.choice.is_left_to_others(room),
        )
        left = (call.outline for call in calls if self._absences.is_noted(str(call.id)))
        self._left += [outline for outline in left if outline is not None]
        self.choice.looked(room, found, now)

    async def _end_missing(
        self, rooms: Mapping[str, Room], survey: Survey, now: datetime
    ) -> Reconciliation:
        """End what LiveKit has not listed for long enough."""
        # Another instance of the room proves that the call's is no more.
        replaced = {str(call.id) for call in survey.calls if call.room_name in rooms}
        unlisted = [call for call in survey.calls if str(call.id) not in replaced]
        missing: list[SessionVersion | CallOutline] = [*survey.sessions, *unlisted, *self._left]
        ended = replaced | await self._confirmed(missing, survey.live, now)
        repairs = Repairs(
            unit_of_work=self.unit_of_work,
            ledger=self.ledger,
            rooms=self.rooms,
            record_call_fact=self.record_call_fact,
            now=now,
            done=self._done.repairs,
        )
        left = [call for call in self._left if str(call.id) in ended]
        await self._each(left, repairs.end_call)
        calls = [call for call in survey.calls if str(call.id) in ended]
        await self._each(calls, repairs.end_call_of_room)
        sessions = [session for session in survey.sessions if str(session.id) in ended]
        await self._each(sessions + survey.abandoned, repairs.end_session)
        await self._each(survey.unused, repairs.end_unused)
        await self._each(survey.holding, repairs.end_again)
        return self._done

    async def _confirmed(
        self, missing: Sequence[SessionVersion | CallOutline], live: int, now: datetime
    ) -> set[str]:
        """Return what may end; where that is much at once, only what was missing for longer."""
        confirmed, lasting = set[str](), set[str]()
        for number, entry in enumerate(missing):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            key = str(entry.id)
            missing_for = self._absences.note(key, now)
            if self._absences.is_confirmed(missing_for):
                confirmed.add(key)
            if self._absences.is_confirmed(missing_for, HELD_LOOKS):
                lasting.add(key)
        self.held, self._held_at = None, now
        if len(confirmed) <= max(MANY, live // MANY_OF):
            return confirmed
        held = len(confirmed) - len(lasting)
        if held:
            self.held = (
                f"LiveKit does not list {held} of {live} live sessions and calls. They are kept "
                "until further looks confirm that; check that LIVEKIT_URL names the same LiveKit "
                "as before."
            )
        self._done = attrs.evolve(self._done, held=self.held, held_entries=held)
        return lasting

    async def _each(self, items: Iterable[Item], treat: Callable[[Item], Awaitable[None]]) -> None:
        """Treat every item; count what an item raises and go on with the others."""
        given = list(items)
        waiting = iter(given)

        async def work() -> None:
            for item in waiting:
                try:
                    await treat(item)
                except (ClaimHeld, Conflict, TooEarly, SessionEnded):
                    continue  # another request works on it; the next cycle looks again
                except DomainError as error:
                    self._note_failure(error)
                except Exception as error:  # noqa: BLE001 - reported; the other rooms go on
                    self._done.failures["defect"] += 1
                    self._done.defects.append(error)

        tasks = [asyncio.create_task(work()) for _ in range(min(self.parallel, len(given)))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()  # those that still run after a failure
            await asyncio.gather(*tasks, return_exceptions=True)

    def _note_failure(self, error: DomainError) -> None:
        if isinstance(error, Unreadable):
            if str(error) not in self._done.problems:  # the survey and a look meet the same row
                self._done.problems.append(str(error))
                self._done.failures["unreadable"] += 1
            return
        self._done.problems.append(str(error))
        self._done.failures[error.code] += 1
        if (
            isinstance(error, StorageUnavailable)
            and self._done.failures[error.code] >= STORAGE_FAILURES
        ):
            raise error
