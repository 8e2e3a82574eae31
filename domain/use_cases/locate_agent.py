"""Ask LiveKit where a session's agent is."""

from __future__ import annotations

import enum
from datetime import timedelta

import attrs

from domain.ports.clock import Clock
from domain.ports.dispatcher import Dispatcher
from domain.ports.rooms import Rooms
from domain.room import Dispatch, ParticipantKind, Room
from domain.session import Session, SessionStatus


class Whereabouts(enum.Enum):
    """Where the agent is."""

    IN_ROOM = enum.auto()
    ON_ITS_WAY = enum.auto()
    GONE = enum.auto()
    ROOM_CLOSED = enum.auto()
    """The room instance of the session is no more, and so is its agent."""


@attrs.frozen
class Located:
    """``room`` is the live instance of the session's room, if there is one.

    ``dispatch_id`` is a dispatch of the session's that the ledger does not know, if one was found.
    """

    whereabouts: Whereabouts
    room: Room | None
    dispatch_id: str | None = None


@attrs.frozen(kw_only=True)
class LocateAgent:
    """Compares a session with what LiveKit lists; changes nothing.

    ``join_grace`` is how long a dispatched agent may take to appear in the room before it counts
    as gone. (LiveKit never hands a dispatch to a worker that registers later.)
    """

    rooms: Rooms
    dispatcher: Dispatcher
    clock: Clock
    join_grace: timedelta = timedelta(seconds=10)

    async def __call__(self, session: Session) -> Located:
        """Where ``session``'s agent is now. Raises :class:`~domain.errors.LiveKitError`."""
        room = await self.rooms.find(session.room_name)
        if room is None:
            had_room = session.dispatch_id is not None or session.room_sid is not None
            return Located(Whereabouts.ROOM_CLOSED if had_room else Whereabouts.GONE, None)
        # A dispatch of ours may itself have opened the new instance.
        if session.room_sid not in (None, room.sid) and not await self._ours(session):
            return Located(Whereabouts.ROOM_CLOSED, room)
        agents = [
            participant
            for participant in await self.rooms.participants(room)
            if participant.kind is ParticipantKind.AGENT
        ]
        named = any(agent.agent_name == session.agent_name for agent in agents)
        if named and not session.claim.is_unsettled:
            return Located(Whereabouts.IN_ROOM, room)
        ours = await self._ours(session)
        unrecorded = next((d.id for d in ours if d.id != session.dispatch_id), None)
        # Workers older than livekit-agents 1.3 do not say what they registered as.
        expected = {identity for dispatch in ours for identity in dispatch.agents}
        if named or any(agent.identity in expected for agent in agents):
            return Located(Whereabouts.IN_ROOM, room, unrecorded)
        if ours and self._may_still_join(session):
            return Located(Whereabouts.ON_ITS_WAY, room)
        return Located(Whereabouts.GONE, room, unrecorded)

    async def _ours(self, session: Session) -> list[Dispatch]:
        listed = await self.dispatcher.list(session.room_name)
        return [dispatch for dispatch in listed if session.owns(dispatch)]

    def _may_still_join(self, session: Session) -> bool:
        return (
            session.status is SessionStatus.AGENT_DISPATCHED
            and session.dispatched_at is not None
            and self.clock.now() < session.dispatched_at + self.join_grace
        )
