"""Compare the ledger with what LiveKit says is there, and put right what differs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import attrs

from domain.access.access import SYSTEM
from domain.calls.call import ROOM_CLOSED
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.repository import CallWork
from domain.calls.room_calls import CallOutline
from domain.reconciliation.absences import Absences
from domain.reconciliation.check_room import CheckRoom
from domain.reconciliation.room_choice import RoomChoice
from domain.reconciliation.room_selection import RoomSelection
from domain.reconciliation.survey_ledger import AT_ONCE, SessionVersion, Survey, SurveyLedger
from domain.rooms.room import Room
from domain.rooms.rooms import Rooms
from domain.sessions.session import EndReason, Session
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
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory

MANY: Final = 3
MANY_OF: Final = 10
"""More than three entries, and more than a tenth of all, do not end at once unconfirmed."""

HELD_LOOKS: Final = 3
"""How many intervals an absence of many entries must last."""

WARNS_FOR: Final = 3
"""How many intervals a warning of entries that are held is good for."""

STORAGE_FAILURES: Final = 16
"""So many rooms whose rows cannot be read or written mean that the storage is out of reach."""

Item = TypeVar("Item")


@attrs.frozen(kw_only=True)
class Reconciliation:
    """What one cycle did.

    ``repairs`` and ``failures`` are counted by kind; ``problems`` are reasons why rooms must wait
    for the next cycle, ``defects`` unexpected exceptions. ``held`` says why entries that are
    missing from LiveKit are kept for the time being.
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
    """One cycle costs one ListRooms, and ListParticipants for the rooms that give a reason.

    Absences are confirmed before anything ends: by a second look at least one ``interval`` later,
    and by a question about that room. Where many entries would end at once, LiveKit may have lost
    its rooms from view rather than closed them: these wait longer, and ``held`` says so.
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
        self._left += [call.outline for call in calls if self._absences.is_noted(str(call.id))]
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
        await self._each(
            [call for call in self._left if str(call.id) in ended],
            lambda call: self._end_call(call, now),
        )
        await self._each(
            [call for call in survey.calls if str(call.id) in ended],
            lambda call: self._end_call_of_room(call, now),
        )
        await self._each(
            [one for one in survey.sessions if str(one.id) in ended] + survey.abandoned,
            lambda session: self._end_session(session, now),
        )
        await self._each(survey.holding, self._end_again)
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

    async def _end_call_of_room(self, call: CallOutline, now: datetime) -> None:
        room = await self.rooms.find(RoomName(call.room_name))
        if room is None or room.sid != call.room_sid:
            await self._end_call(call, now, ROOM_CLOSED)

    async def _end_call(
        self, outline: CallOutline, now: datetime, reason: str | None = None
    ) -> None:
        async with self.unit_of_work() as work:
            call = await work.calls.get(outline.id, SYSTEM)
        if call is None or not call.is_live:
            return
        await self.record_call_fact.on(
            call, call.leg, lambda known: known.gone(now, Source.RECONCILER, reason=reason)
        )
        self._done.repairs["call_ended"] += 1

    async def _end_session(self, known: SessionVersion, now: datetime) -> None:
        session = await self._unchanged(known)
        if session is None or await self.rooms.find(session.room_name) is not None:
            return  # the next look sees to it
        gone = session.has_had_room
        reason = EndReason.ROOM_FINISHED if gone else EndReason.ABANDONED
        await self.ledger.save(session.ended(reason, now, Source.RECONCILER, concluded=gone))
        self._done.repairs["session_ended"] += 1

    async def _end_again(self, known: SessionVersion) -> None:
        """End what a process held the room of an ended session with that died."""
        session = await self._unchanged(known)
        if session is not None:
            await self.ledger.save(session.ended_again())

    async def _unchanged(self, known: SessionVersion) -> Session | None:
        """Return the session itself; None where it has changed since the survey."""
        session = await self.ledger.get(known.id, SYSTEM)
        return session if session is not None and session.version == known.version else None

    async def _each(self, items: Iterable[Item], treat: Callable[[Item], Awaitable[None]]) -> None:
        """Treat every item; what one of them raises is counted and stops no other."""
        waiting = iter(list(items))

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

        tasks = [asyncio.create_task(work()) for _ in range(self.parallel)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()  # those that go on after another one's failure
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
