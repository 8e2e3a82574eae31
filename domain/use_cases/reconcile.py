"""Compare the ledger with what LiveKit says is there, and put right what differs."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import attrs

from domain.absences import Absences
from domain.call import ROOM_CLOSED, Call, Source
from domain.errors import (
    ClaimHeld,
    Conflict,
    DomainError,
    SessionEnded,
    StorageUnavailable,
    TooEarly,
)
from domain.identifiers import RoomName
from domain.ledger import Ledger
from domain.ports.clock import Clock
from domain.ports.rooms import Rooms
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.room import Room
from domain.room_choice import LedgerView, RoomChoice
from domain.room_selection import RoomSelection
from domain.session import EndReason, Session
from domain.use_cases.check_room import CheckRoom
from domain.use_cases.record_call import RecordCall

ABANDONED_AFTER: Final = timedelta(minutes=10)
"""How long a session may wait for a room that nobody has opened."""

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

    unit_of_work: UnitOfWorkFactory
    ledger: Ledger
    rooms: Rooms
    check_room: CheckRoom
    record_call: RecordCall
    clock: Clock
    interval: timedelta
    choice: RoomChoice = attrs.field(factory=RoomChoice)
    selection: RoomSelection = attrs.field(factory=RoomSelection)
    parallel: int = 16
    held: str | None = attrs.field(default=None, init=False)
    _held_at: datetime = attrs.field(default=datetime.min.replace(tzinfo=UTC), init=False)
    _absences: Absences = attrs.field(init=False)
    _done: Reconciliation = attrs.field(init=False)

    @_absences.default
    def _new_absences(self) -> Absences:
        return Absences(self.interval)

    async def __call__(self) -> Reconciliation:
        """Run one cycle.

        Raises :class:`~domain.errors.LiveKitError` if LiveKit does not list its rooms, which ends
        nothing, or :class:`~domain.errors.StorageUnavailable`.
        """
        # The ledger first: what it has and LiveKit lists no more may be gone.
        unreadable: list[StorageUnavailable] = []
        async with self.unit_of_work() as work:
            sessions = {str(one.room_name): one for one in await work.sessions.open(unreadable)}
            calls: defaultdict[str, list[Call]] = defaultdict(list)
            for call in await work.calls.live(unreadable):
                calls[call.leg.room_sid].append(call)
        now = self.clock.now()
        listed = {
            room.name: room
            for room in await self.rooms.all()
            if room.name in sessions or not self.selection.ignores_room(room.name)
        }
        view = LedgerView(sessions=sessions, calls=calls)
        chosen = self.choice.choose(list(listed.values()), view, self._absences, now)
        self._done = Reconciliation(
            rooms=len(listed),
            examined=len(chosen),
            repairs=Counter(),
            failures=Counter(),
            problems=[],
            defects=[],
        )
        if unreadable:
            self._done.failures["unreadable"] = len(unreadable)
            self._done.problems.extend(map(str, unreadable))
        self._absences.begin_cycle()
        # Rooms where a person may wait for an agent come before what is over.
        await self._each(chosen, lambda room: self._look_into(room, view))
        return await self._end_missing(listed, view, now)

    def warning(self) -> str | None:
        """Say why entries that LiveKit does not list are kept; None where there are none.

        Another replica may have reconciled since: what this one found is old then.
        """
        is_old = self.clock.now() - self._held_at > WARNS_FOR * self.interval
        return None if is_old else self.held

    async def _look_into(self, room: Room, view: LedgerView) -> None:
        session, now = view.sessions.get(room.name), self.clock.now()
        found = await self.check_room(
            room,
            session,
            view.calls.get(room.sid, []),
            self._absences,
            self._done.repairs,
            first=self.choice.is_new(room, session, now),
            left_to_others=self.choice.is_left_to_others(room),
        )
        self.choice.looked(room, found, now)

    async def _end_missing(
        self, listed: dict[str, Room], view: LedgerView, now: datetime
    ) -> Reconciliation:
        """End what LiveKit has not listed for long enough."""
        sids = {room.sid for room in listed.values()}
        sessions = [
            one
            for name, one in view.sessions.items()
            if name not in listed and not one.claim.is_held(now)
        ]
        live = [call for some in view.calls.values() for call in some]
        calls = [call for call in live if call.leg.room_sid not in sids]
        # Another instance of the room proves that the call's is no more.
        replaced = {str(call.id) for call in calls if call.leg.room_name in listed}
        left = [call for call in live if self._absences.is_noted(str(call.id))]
        missing = {str(one.id) for one in sessions if one.has_had_room and not one.only_holds_room}
        missing |= {str(call.id) for call in (*calls, *left)} - replaced
        since = {key: self._absences.note(key, now) for key in missing}
        ended = replaced | self._confirmed(since, len(view.sessions) + len(live))
        await self._each(
            [call for call in left if str(call.id) in ended],
            lambda call: self._end_call(call, now),
        )
        await self._each(
            [call for call in calls if str(call.id) in ended],
            lambda call: self._end_call_of_room(call, now),
        )
        await self._each(
            [one for one in sessions if str(one.id) in ended or self._is_abandoned(one, now)],
            lambda session: self._end_session(session, now),
        )
        await self._each([one for one in sessions if one.only_holds_room], self._end_again)
        return self._done

    def _confirmed(self, missing: dict[str, timedelta], live: int) -> set[str]:
        """Return what may end; where that is much at once, only what was missing for longer."""
        confirmed = {key for key, since in missing.items() if self._absences.is_confirmed(since)}
        self.held, self._held_at = None, self.clock.now()
        if len(confirmed) <= max(MANY, live // MANY_OF):
            return confirmed
        lasting = {
            key for key in confirmed if self._absences.is_confirmed(missing[key], HELD_LOOKS)
        }
        held = len(confirmed) - len(lasting)
        if held:
            self.held = (
                f"LiveKit does not list {held} of {live} live sessions and calls. They are kept "
                "until further looks confirm that; check that LIVEKIT_URL names the same LiveKit "
                "as before."
            )
        self._done = attrs.evolve(self._done, held=self.held, held_entries=held)
        return lasting

    @staticmethod
    def _is_abandoned(session: Session, now: datetime) -> bool:
        waits = not session.has_had_room and not session.only_holds_room
        return waits and now - session.created_at > ABANDONED_AFTER

    async def _end_call_of_room(self, call: Call, now: datetime) -> None:
        room = await self.rooms.find(RoomName(call.leg.room_name))
        if room is None or room.sid != call.leg.room_sid:
            await self._end_call(call, now, ROOM_CLOSED)

    async def _end_call(self, call: Call, now: datetime, reason: str | None = None) -> None:
        await self.record_call(
            call.leg, lambda known: known.gone(now, Source.RECONCILER, reason=reason)
        )
        self._done.repairs["call_ended"] += 1

    async def _end_session(self, session: Session, now: datetime) -> None:
        room = await self.rooms.find(session.room_name)
        if room is not None:
            return  # the next look sees to it
        gone = session.has_had_room
        reason = EndReason.ROOM_FINISHED if gone else EndReason.ABANDONED
        await self.ledger.save(session.ended(reason, now, Source.RECONCILER, concluded=gone))
        self._done.repairs["session_ended"] += 1

    async def _end_again(self, session: Session) -> None:
        """End what a process held the room of an ended session with that died."""
        await self.ledger.save(session.ended_again())

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
        self._done.failures[error.code] += 1
        self._done.problems.append(str(error))
        if (
            isinstance(error, StorageUnavailable)
            and self._done.failures[error.code] >= STORAGE_FAILURES
        ):
            raise error
