"""Which rooms the reconciler looks into, of all that LiveKit lists."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta

import attrs

from domain.calls.room_calls import RoomCalls
from domain.reconciliation.absences import Absences
from domain.rooms.room import Room
from domain.sessions.agent_timeouts import TAKEN_WITHIN
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import SessionStatus


class Reason(enum.Enum):
    """Why a room is looked into.

    ``URGENT``: a person may wait for an agent there, or an absence must be confirmed. ``NEW``: it
    was not looked into since it, or its session, began. The others have their turn: ``OURS`` have a
    session or a call, ``OTHERS`` have neither.
    """

    URGENT = "urgent"
    NEW = "new"
    OURS = "ours"
    OTHERS = "others"


def agent_key(session: SessionOutline) -> str:
    """Return what the absence of a session's agent is noted as; its room's is by its id."""
    return f"agent of {session.id}"


@attrs.frozen(kw_only=True, weakref_slot=False)
class RoomLook:
    """What a look into a room found and left there.

    ``calls`` is the ``fingerprint`` of those that live. ``left_to_others``:
    another program's agent serves its callers. ``had_surplus``: LiveKit does not list yet which
    dispatch brought an agent that was, or may be, one too many.
    """

    calls: int = 0
    session_version: int | None = None
    left_to_others: bool = False
    had_surplus: bool = False


@attrs.frozen(weakref_slot=False)
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
    _turn: Counter[Reason] = attrs.field(factory=Counter, init=False)

    def forget_all_but(self, sids: Set[str]) -> None:
        """Forget the rooms that LiveKit no longer lists; ``sids`` are those that it does."""
        for gone in self._seen.keys() - sids:
            del self._seen[gone]

    def reason(
        self,
        room: Room,
        session: SessionOutline | None,
        calls: RoomCalls,
        absences: Absences,
        now: datetime,
    ) -> Reason:
        """Return why to look into ``room``, given its live session and calls in the ledger."""
        if self._is_urgent(room, calls, session, absences, now):
            return Reason.URGENT
        if self.is_new(room, session, now):
            return Reason.NEW
        return Reason.OTHERS if session is None and not calls.fingerprint else Reason.OURS

    def pick(self, rooms: Mapping[Reason, Sequence[Room]]) -> list[Room]:
        """Return the rooms to look into in this cycle, in that order."""
        ours, others = rooms.get(Reason.OURS, ()), rooms.get(Reason.OTHERS, ())
        reasoned = [*rooms.get(Reason.URGENT, ()), *rooms.get(Reason.NEW, ())]
        # However many have a reason, a fifth of the budget is for those whose turn it is.
        turns = min(self.rotation, max(self.budget - len(reasoned), self.budget // 5))
        turned = self._in_turn(Reason.OURS, ours, turns - min(turns // 5, len(others)))
        turned += self._in_turn(Reason.OTHERS, others, turns - len(turned))
        return reasoned[: self.budget - len(turned)] + turned

    def is_new(self, room: Room, session: SessionOutline | None, now: datetime) -> bool:
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
        calls: RoomCalls,
        session: SessionOutline | None,
        absences: Absences,
        now: datetime,
    ) -> bool:
        seen = self._seen.get(room.sid)
        if not calls.all_answered or calls.doubted:
            return True
        if not calls.all_served and not self.is_left_to_others(room):
            return True
        if session is not None and self._needs_a_look(session, room, absences, now):
            return True
        if seen is None:
            return self.telephony and session is None and room.people > 0
        return (room.people, calls.fingerprint) != (seen.people, seen.found.calls)

    def _needs_a_look(
        self, session: SessionOutline, room: Room, absences: Absences, now: datetime
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

    def _in_turn(self, kind: Reason, rooms: Sequence[Room], turns: int) -> list[Room]:
        """``turns`` of these rooms, others in each cycle until all had their turn."""
        first = self._turn[kind] % len(rooms) if rooms else 0
        self._turn[kind] = first + turns
        wrapped = max(first + turns - len(rooms), 0)
        return [*rooms[first : first + turns], *rooms[: min(wrapped, first)]]
