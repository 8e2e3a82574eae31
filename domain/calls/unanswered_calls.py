"""The unanswered calls that this process asks LiveKit about."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import attrs

from domain.calls.call import Call, CallStatus
from domain.rooms.room import Room
from domain.rooms.sip_leg import LegStatus
from domain.shared.clock import Clock
from domain.shared.identifiers import CallId

EVERY: Final = timedelta(milliseconds=500)
"""How often a room is looked at, so that an answer is known within a second."""

BACK_OFF: Final = timedelta(seconds=5)
"""The longest time until a room is looked at again where LiveKit or the ledger failed."""

LONGEST: Final = timedelta(minutes=5)
"""How long after its join a call is watched: LiveKit's SIP gateway lets it ring for three minutes
(livekit/sip, pkg/sip/config.go), and an identity that only says so may ring without an end."""

MOST_ROOMS: Final = 1000

UNANSWERED: Final = (CallStatus.RINGING, CallStatus.CREATED)


@attrs.define(kw_only=True)
class UnansweredCall:
    """A call that is watched until the time ``until``; ``rings``: the ledger knows that it does.

    Times are those of the monotonic clock.
    """

    id: CallId
    rings: bool
    noted_at: float
    until: float

    def learns_from(self, seen: LegStatus | None) -> bool:
        """Return whether this status is news: the call rings now, or was answered."""
        match seen:
            case LegStatus.DIALING | LegStatus.HANGUP:
                return False
            case LegStatus.RINGING:
                return not self.rings
        return True


@attrs.define(kw_only=True)
class WatchedRoom:
    """A room with unanswered calls, by their participants' sids, and when a look at it is due.

    ``looked_at`` is the time of the last look, or when the first call became known.
    """

    room: Room
    looked_at: float
    due_at: float
    calls: dict[str, UnansweredCall] = attrs.field(factory=dict)
    failures: int = 0
    is_looked_at: bool = False


@attrs.define(kw_only=True)
class UnansweredCalls:
    """Which rooms to look at, and when.

    Only this process's memory: a call is here because this process has recorded something of it.
    It stays for ``watched_for`` after that, so that a call that the reconciler follows, which runs
    in one process after the other, is not watched by all of them.
    """

    clock: Clock
    watched_for: timedelta
    _rooms: dict[str, WatchedRoom] = attrs.field(factory=dict, init=False)
    _news: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def __len__(self) -> int:
        return len(self._rooms)

    def note(self, call: Call) -> None:
        """Watch the call, which was just recorded, while it is unanswered; else no longer."""
        leg, now = call.leg, self.clock.monotonic()
        if leg is None:
            return  # it is being dialled: it is in no room yet
        watched = self._rooms.get(leg.room_sid)
        age = self.clock.now() - leg.joined_at
        if call.status not in UNANSWERED or age >= LONGEST:
            if watched is not None:
                watched.calls.pop(leg.participant_sid, None)
                self._drop_empty(watched)
            return
        if watched is None:
            if len(self._rooms) >= MOST_ROOMS:
                return
            room = Room(leg.room_name, leg.room_sid)
            watched = WatchedRoom(room=room, looked_at=now, due_at=now + EVERY.total_seconds())
            self._rooms[leg.room_sid] = watched
            self._news.set()
        watched.calls[leg.participant_sid] = UnansweredCall(
            id=call.id,
            rings=call.ringing_at is not None,
            noted_at=now,
            until=now + min(self.watched_for, LONGEST - age).total_seconds(),
        )

    async def next(self) -> WatchedRoom:
        """Return the room whose look is due for longest, once there is one; it is then looked at.

        Waits without a timer while there is none to look at.
        """
        while (watched := self.due()) is None:
            due_at = [room.due_at for room in self._rooms.values() if not room.is_looked_at]
            await self._wait(min(due_at) - self.clock.monotonic() if due_at else None)
        return watched

    def due(self) -> WatchedRoom | None:
        """Return the room whose look is due for longest, which is then looked at; else None."""
        now = self.clock.monotonic()
        rooms = (room for room in self._rooms.values() if not room.is_looked_at)
        due = sorted((room for room in rooms if room.due_at <= now), key=lambda room: room.due_at)
        for watched in due:
            if self._has_calls(watched, now):
                watched.is_looked_at = True
                return watched
        return None

    def looked(self, watched: WatchedRoom, *, failed: bool = False) -> None:
        """Note that the look at this room is over; after one that ``failed`` it backs off."""
        now = self.clock.monotonic()
        watched.failures = watched.failures + 1 if failed else 0
        wait = min(EVERY * 2 ** min(watched.failures, 10), BACK_OFF)
        watched.looked_at, watched.due_at = now, now + wait.total_seconds()
        watched.is_looked_at = False
        self._drop_empty(watched)
        self._news.set()

    def _has_calls(self, watched: WatchedRoom, now: float) -> bool:
        """Return whether a call there is still to be watched; forget those that are not."""
        watched.calls = {sid: call for sid, call in watched.calls.items() if call.until > now}
        self._drop_empty(watched)
        return bool(watched.calls)

    def _drop_empty(self, watched: WatchedRoom) -> None:
        if not watched.calls and not watched.is_looked_at:
            self._rooms.pop(watched.room.sid, None)

    async def _wait(self, seconds: float | None) -> None:
        """Return after so many seconds, or once there is news."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()
