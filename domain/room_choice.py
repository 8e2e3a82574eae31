"""Which rooms the reconciler looks into, of all that LiveKit lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from domain.absences import Absences
from domain.agent_presence import TAKEN_WITHIN
from domain.call import Call, CallStatus
from domain.identifiers import CallId
from domain.room import Room
from domain.session import Session, SessionStatus


@attrs.frozen(kw_only=True)
class LedgerView:
    """What is live in the ledger: sessions by room name, calls by room sid."""

    sessions: Mapping[str, Session]
    calls: Mapping[str, list[Call]]


def agent_key(session: Session) -> str:
    """Return what the absence of a session's agent is noted as; its room's is by its id."""
    return f"agent of {session.id}"


@attrs.frozen(kw_only=True)
class RoomLook:
    """What a look into a room found and left there.

    ``left_to_others``: another program's agent serves its callers. ``had_surplus``: LiveKit does
    not list yet which dispatch brought an agent that was, or may be, one too many.
    """

    calls: frozenset[CallId]
    session_version: int | None = None
    left_to_others: bool = False
    had_surplus: bool = False


@attrs.frozen
class _Seen:
    """A room when it was looked into, and how many people were there.

    Until ``unsettled_until`` each look is as thorough as the first.
    """

    people: int
    found: RoomLook
    unsettled_until: datetime | None = None


@attrs.define(kw_only=True)
class RoomChoice:
    """Choose the rooms that give a reason, and others in turn.

    A reason is: people or calls came or went since the last look, a call that was not answered yet
    or has no agent, a session without an agent or with one that is expected, a session or a room
    that was not looked into since it began, an absence that must be confirmed. Beside these,
    ``rotation`` rooms are looked into in turn, for what shows in no number: an agent that went away
    without a word, a second one, a caller in another's place; a fifth of these turns is for rooms
    without a session or call. No more than ``budget`` rooms are looked into in a cycle; what is
    left has its reason in the next one too.
    """

    taken_within: timedelta = TAKEN_WITHIN
    telephony: bool = True
    budget: int = 500
    rotation: int = 250
    _seen: dict[str, _Seen] = attrs.field(factory=dict, init=False)
    _turn: Counter[str] = attrs.field(factory=Counter, init=False)

    def choose(
        self, rooms: Sequence[Room], view: LedgerView, absences: Absences, now: datetime
    ) -> list[Room]:
        """Return the rooms to look into, those where someone may wait for an agent first."""
        sids = {room.sid for room in rooms}
        self._seen = {sid: seen for sid, seen in self._seen.items() if sid in sids}
        urgent, new, ours, others = [], [], [], []
        for room in rooms:
            calls, session = view.calls.get(room.sid, []), view.sessions.get(room.name)
            if self._is_urgent(room, calls, session, absences, now):
                urgent.append(room)
            elif self.is_new(room, session, now):
                new.append(room)
            elif calls or session is not None:
                ours.append(room)
            else:
                others.append(room)
        # However many have a reason, a fifth of the budget is for those whose turn it is.
        reasons = len(urgent) + len(new)
        turns = min(self.rotation, max(self.budget - reasons, self.budget // 5))
        turned = self._in_turn("ours", ours, turns - min(turns // 5, len(others)))
        turned += self._in_turn("others", others, turns - len(turned))
        return [*urgent, *new][: self.budget - len(turned)] + turned

    def is_new(self, room: Room, session: Session | None, now: datetime) -> bool:
        """Whether a thorough look is due: the first since the room or its session changed.

        A surplus agent is followed by more, until LiveKit has listed the dispatch that brought it.
        """
        seen = self._seen.get(room.sid)
        version = None if session is None else session.version
        if seen is None or seen.found.session_version != version:
            return True
        return seen.unsettled_until is not None and now < seen.unsettled_until

    def is_left_to_others(self, room: Room) -> bool:
        """Whether another program's agent served its callers at the last look."""
        seen = self._seen.get(room.sid)
        return seen is not None and seen.found.left_to_others

    def looked(self, room: Room, found: RoomLook, now: datetime) -> None:
        """Remember what a look found."""
        seen = self._seen.get(room.sid)
        until = None if seen is None else seen.unsettled_until
        if found.had_surplus:
            until = now + 2 * self.taken_within
        self._seen[room.sid] = _Seen(room.people, found, until)

    def _is_urgent(
        self,
        room: Room,
        calls: list[Call],
        session: Session | None,
        absences: Absences,
        now: datetime,
    ) -> bool:
        seen = self._seen.get(room.sid)
        elsewhere = self.is_left_to_others(room)
        if any(self._wants(call, elsewhere=elsewhere) for call in calls):
            return True
        if any(absences.is_doubted(str(call.id)) for call in calls):
            return True
        if session is not None and self._needs_a_look(session, room, absences, now):
            return True
        if seen is None:
            return self.telephony and session is None and room.people > 0
        known = frozenset(call.id for call in calls)
        return (room.people, known) != (seen.people, seen.found.calls)

    @staticmethod
    def _wants(call: Call, *, elsewhere: bool) -> bool:
        return call.status is not CallStatus.ACTIVE or (call.session_id is None and not elsewhere)

    def _needs_a_look(
        self, session: Session, room: Room, absences: Absences, now: datetime
    ) -> bool:
        if session.room_sid not in (None, room.sid):
            return True
        if absences.is_doubted(agent_key(session)) or absences.is_doubted(str(session.id)):
            return True
        if session.claim.is_unsettled:
            return not session.claim.is_held(now)
        match session.status:
            case SessionStatus.ACTIVE:
                return False
            case SessionStatus.AGENT_DISPATCHED if session.dispatched_at is not None:
                return now >= session.dispatched_at + self.taken_within
        return room.people > 0 and session.may_retry(now)

    def _in_turn(self, kind: str, rooms: list[Room], turns: int) -> list[Room]:
        """``turns`` of these rooms, others in each cycle until all had their turn."""
        first = self._turn[kind] % len(rooms) if rooms else 0
        self._turn[kind] = first + turns
        return (rooms[first:] + rooms[:first])[:turns]
