"""Ask LiveKit where a session's agent is."""

from __future__ import annotations

from collections.abc import Collection

import attrs

from domain.rooms.dispatcher import Dispatcher
from domain.rooms.room import Dispatch, Room
from domain.rooms.rooms import Rooms
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.agent_timeouts import AgentTimeouts
from domain.sessions.judge_presence import presence_of
from domain.sessions.room_contents import RoomContents
from domain.sessions.session import Session
from domain.shared.clock import Clock
from domain.shared.identifiers import RoomName


@attrs.frozen(kw_only=True)
class FindAgent:
    """Compare a session with what LiveKit lists; change nothing."""

    rooms: Rooms
    dispatcher: Dispatcher
    clock: Clock
    timeouts: AgentTimeouts = attrs.field(factory=AgentTimeouts)

    async def __call__(
        self, session: Session, left: Collection[str] = (), *, thorough: bool = False
    ) -> AgentPresence:
        """Return where ``session``'s agent is now.

        ``left`` are identities that a webhook reported to have left the room; ``thorough`` as in
        :meth:`judge`. Raises :class:`~domain.shared.livekit_errors.LiveKitError`.
        """
        room = await self.rooms.find(session.room_name)
        if room is None:
            closed = AgentState.ROOM_CLOSED if session.has_had_room else AgentState.ABSENT
            return AgentPresence(state=closed)
        dispatches: list[Dispatch] | None = None
        if session.room_sid not in (None, room.sid):
            dispatches = await self.dispatcher.list(session.room_name)
            # A dispatch of the session's may itself have opened the new instance.
            if not any(session.owns(dispatch) for dispatch in dispatches):
                return AgentPresence(state=AgentState.ROOM_CLOSED, room=room)
        participants = await self.rooms.participants(room)
        contents = RoomContents(
            room=room, participants=participants, dispatches=dispatches, left=left
        )
        return await self.judge(session, contents, thorough=thorough)

    async def judge(
        self, session: Session, contents: RoomContents, *, thorough: bool = False
    ) -> AgentPresence:
        """Return the same for a room whose participants were just listed.

        One agent that says the session's name settles it without asking for dispatches, unless
        ``thorough``. Raises as above.
        """
        alone = len(contents.agents(session.agent_name)) == 1
        if contents.dispatches is None and (thorough or session.claim.is_unsettled or not alone):
            dispatches = await self.dispatcher.list(session.room_name)
            contents = attrs.evolve(contents, dispatches=dispatches)
        return presence_of(session, contents, self.clock.now(), self.timeouts)

    async def was_concluded_early(self, ended: Session, room: Room) -> bool:
        """Whether ``room`` is the one whose absence ended a session. Raises as above."""
        if not ended.end_concluded or ended.is_live:
            return False
        if ended.room_sid is not None:
            return ended.room_sid == room.sid
        listed = await self.dispatcher.list(ended.room_name)
        return any(ended.owns(dispatch) for dispatch in listed)

    async def is_replaced(self, session: Session, room: Room) -> bool:
        """Whether ``room`` has taken the place of the session's. Raises as above."""
        presence = await self(session)
        is_newer = presence.room is not None and presence.room.sid == room.sid
        return presence.state is AgentState.ROOM_CLOSED and is_newer

    async def contents(self, room_name: RoomName) -> RoomContents | None:
        """Return what LiveKit lists in a room; None if there is no such room. Raises as above."""
        room = await self.rooms.find(room_name)
        if room is None:
            return None
        participants = await self.rooms.participants(room)
        dispatches = await self.dispatcher.list(room_name)
        return RoomContents(room=room, participants=participants, dispatches=dispatches)
