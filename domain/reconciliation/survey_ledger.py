"""Compare the live entries of the ledger with the rooms that LiveKit lists."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Set
from datetime import datetime
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.calls.repository import CallWork
from domain.calls.room_calls import NO_CALLS, CallOutline, RoomCalls
from domain.reconciliation.absences import Absences
from domain.reconciliation.room_choice import Reason, RoomChoice
from domain.reconciliation.room_selection import RoomSelection
from domain.rooms.room import Room
from domain.sessions.session_outline import SessionOutline
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import SessionId
from domain.shared.unit_of_work import UnitOfWorkFactory

AT_ONCE: Final = 100
"""How many entries are processed before other tasks may run."""


@attrs.frozen
class SessionVersion:
    """A session as it was when the ledger was read; ``version`` shows whether it has changed."""

    id: SessionId
    version: int

    @classmethod
    def of(cls, session: SessionOutline) -> SessionVersion:
        """Return that of ``session``."""
        return cls(session.id, session.version)


@attrs.define(kw_only=True)
class Survey:
    """The ledger's live entries compared with LiveKit's list.

    ``rooms`` are our rooms by the reason to look into them, ``live`` is the number of sessions and
    calls that have had a room; ``unreadable`` are the errors of rows that this version cannot
    read. The other fields are entries whose room is not listed: ``calls``, ``sessions`` that had a
    room, ``abandoned`` sessions that are old and never had one, ``unused`` sessions that no user
    joined in time, and ``holding`` sessions that have ended and only hold their room.
    """

    rooms: Mapping[Reason, list[Room]] = attrs.field(
        factory=lambda: {reason: [] for reason in Reason}
    )
    live: int = 0
    sessions: list[SessionVersion] = attrs.field(factory=list)
    abandoned: list[SessionVersion] = attrs.field(factory=list)
    unused: list[SessionVersion] = attrs.field(factory=list)
    holding: list[SessionVersion] = attrs.field(factory=list)
    calls: list[CallOutline] = attrs.field(factory=list)
    unreadable: list[StorageUnavailable] = attrs.field(factory=list)

    @property
    def listed(self) -> int:
        """How many rooms of ours LiveKit lists."""
        return sum(map(len, self.rooms.values()))

    def add_without_room(self, session: SessionOutline, now: datetime) -> None:
        """Add a session whose room is not listed, unless a request is working on it."""
        if session.claim.is_held(now):
            return
        if session.only_holds_room:
            self.holding.append(SessionVersion.of(session))
        elif session.has_had_room:
            self.sessions.append(SessionVersion.of(session))
        elif session.has_waited(now):
            entries = self.unused if session.is_unused else self.abandoned
            entries.append(SessionVersion.of(session))


@attrs.frozen(kw_only=True)
class SurveyLedger:
    """Read outlines only, a page at a time, and keep what needs a closer look.

    There may be tens of thousands of entries: whole entries would fill the memory, and processing
    them without a pause would delay every request.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    choice: RoomChoice
    selection: RoomSelection

    async def __call__(
        self, rooms: Mapping[str, Room], absences: Absences, now: datetime
    ) -> Survey:
        """Compare the ledger with ``rooms``, those that LiveKit lists, by their names.

        Raises :class:`~domain.shared.errors.StorageUnavailable`.
        """
        sids = {room.sid for room in rooms.values()}
        await asyncio.sleep(0)
        self.choice.forget_all_but(sids)
        await asyncio.sleep(0)
        survey = Survey()
        async with self.unit_of_work() as work:
            calls = await self._add_calls(survey, work, sids, absences)
            with_session = set[str]()
            async for sessions in work.sessions.live(survey.unreadable, SYSTEM):
                for session in sessions:
                    survey.live += session.has_had_room
                    room = rooms.get(session.room_name.value)
                    if room is None:
                        survey.add_without_room(session, now)
                        continue
                    room_calls = calls.get(room.sid, NO_CALLS)
                    reason = self.choice.reason(room, session, room_calls, absences, now)
                    survey.rooms[reason].append(room)
                    with_session.add(room.name)
                await asyncio.sleep(0)
        for number, room in enumerate(rooms.values()):
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
            if room.name in with_session or self.selection.ignores_room(room.name):
                continue
            room_calls = calls.get(room.sid, NO_CALLS)
            reason = self.choice.reason(room, None, room_calls, absences, now)
            survey.rooms[reason].append(room)
        return survey

    @staticmethod
    async def _add_calls(
        survey: Survey, work: CallWork, sids: Set[str], absences: Absences
    ) -> Mapping[str, RoomCalls]:
        """Return the live calls of each room instance in ``sids``; add the others to ``survey``."""
        calls: defaultdict[str, RoomCalls] = defaultdict(RoomCalls)
        async for page in work.calls.live(survey.unreadable, SYSTEM):
            survey.live += len(page)
            for call in page:
                if call.room_sid in sids:
                    doubted = absences.is_doubted(str(call.id))
                    calls[call.room_sid].add(call, doubted=doubted)
                else:
                    survey.calls.append(call)
            await asyncio.sleep(0)
        return calls
