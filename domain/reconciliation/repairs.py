"""End the calls and sessions in the ledger that LiveKit no longer has."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import attrs

from domain.access.access import SYSTEM
from domain.calls.call_facts import CallFact, ParticipantLeft, RoomClosed
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.repository import CallWork
from domain.calls.room_calls import CallOutline
from domain.reconciliation.survey_ledger import SessionVersion
from domain.rooms.rooms import Rooms
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.identifiers import RoomName
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class Repairs:
    """End what is missing from LiveKit, and count it in ``done`` by kind.

    Every method raises ``LiveKitError`` or ``StorageUnavailable``, and
    :class:`~domain.shared.errors.Conflict` where another request has changed the entry.
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    ledger: SessionStore
    rooms: Rooms
    record_call_fact: RecordCallFact
    now: datetime
    done: Counter[str]

    async def end_call(self, call: CallOutline) -> None:
        """End a call whose participant is missing from its room."""
        await self._end_call(call, ParticipantLeft(self.now, Source.RECONCILER))

    async def end_call_of_room(self, call: CallOutline) -> None:
        """End a call whose room is missing, unless LiveKit lists that room again."""
        room = await self.rooms.find(RoomName(call.room_name))
        if room is None or room.sid != call.room_sid:
            await self._end_call(call, RoomClosed(self.now, Source.RECONCILER))

    async def _end_call(self, outline: CallOutline, end: CallFact) -> None:
        async with self.unit_of_work() as work:
            call = await work.calls.get(outline.id, SYSTEM)
        if call is None or not call.is_live:
            return
        await self.record_call_fact.on_known(call, end)
        self.done["call_ended"] += 1

    async def end_session(self, known: SessionVersion) -> None:
        """End a session whose room is missing, unless LiveKit lists that room again."""
        session = await self._unchanged(known)
        if session is None or await self.rooms.find(session.room_name) is not None:
            return  # the next look repairs it
        gone = session.has_had_room
        reason = EndReason.ROOM_FINISHED if gone else EndReason.ABANDONED
        ended = session.ended(reason, self.now, Source.RECONCILER, concluded=gone)
        await self.ledger.save(ended)
        self.done["session_ended"] += 1

    async def end_unused(self, known: SessionVersion) -> None:
        """End a session that no user has joined in time; LiveKit has not listed its room."""
        session = await self._unchanged(known)
        if session is not None:
            ended = session.ended(EndReason.ABANDONED, self.now, Source.RECONCILER)
            await self.ledger.save(ended)
            self.done["session_ended"] += 1

    async def end_again(self, known: SessionVersion) -> None:
        """End a session that only holds its room, for a process that died meanwhile."""
        session = await self._unchanged(known)
        if session is not None:
            await self.ledger.save(session.ended_again())

    async def _unchanged(self, known: SessionVersion) -> Session | None:
        """Return the session itself; None where it has changed since the survey."""
        session = await self.ledger.get(known.id, SYSTEM)
        return session if session is not None and session.version == known.version else None


def repair_between(before: Session, after: Session, presence: AgentPresence) -> str | None:
    """Name what was repaired between two states of a session."""
    if after.version == before.version:
        return None
    if presence.is_missing:
        if after.agent_dispatched:
            return "agent_dispatched"
        return "agent_lost" if before.agent_dispatched else "dispatch_settled"
    if after.agent_joined_at != before.agent_joined_at:
        return "agent_seen"
    return "dispatch_settled"


def why_over(session: Session, presence: AgentPresence, now: datetime) -> EndReason | None:
    """Return why a session is over whose room is listed; None if it is not.

    Another room has taken the place of its own, or no user has joined in time.
    """
    if presence.state is AgentState.ROOM_CLOSED:
        return EndReason.ROOM_FINISHED
    is_expired = session.is_unused and session.has_waited(now)
    is_empty = presence.is_missing and not presence.has_people
    return EndReason.ABANDONED if is_expired and is_empty else None
