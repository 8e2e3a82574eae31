"""Remove an agent that arrived after its session had ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from domain.access.access import SYSTEM
from domain.rooms.dispatcher import Dispatcher
from domain.rooms.room import Participant, Room
from domain.rooms.rooms import Rooms
from domain.sessions.find_agent import FindAgent
from domain.sessions.hold_ended_room import HoldEndedRoom
from domain.sessions.late_agents import (
    LateAgents,
    find_late_agents,
    recently_ended,
)
from domain.sessions.room_contents import RoomContents
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.identifiers import RoomName


@attrs.frozen(kw_only=True)
class RemoveLateAgent:
    """Remove the agents of ended sessions, and the room that they reopened.

    ``agent_name`` is the default agent's. Beside a session with another agent it is surplus: a
    dispatch rule may have brought it.
    """

    ledger: SessionStore
    find_agent: FindAgent
    rooms: Rooms
    dispatcher: Dispatcher
    hold_room: HoldEndedRoom
    clock: Clock
    agent_name: str

    async def __call__(self, room: Room) -> bool:
        """Remove them from a room without a live session; return whether there were any.

        A room with a person in it is left alone. Raises :class:`~domain.shared.errors.Conflict`,
        ``LiveKitError`` or ``StorageUnavailable``.
        """
        room_name = RoomName(room.name)
        ended = await self.ledger.newest_in(room_name, SYSTEM)
        if ended is None or ended.is_live:
            return False
        if await self.find_agent.was_concluded_early(ended, room):
            return False  # the reconciler reopens it
        recent = await recently_ended(self.ledger, room_name)
        if await self._late(room, recent) is None:
            return False
        async with self.hold_room(ended):
            found = await self._late(room, recent)
            if found is None:
                return False
            await self._remove(room_name, *found)
            return True

    async def beside(self, session: Session, room: Room, agents: Collection[Participant]) -> int:
        """Remove them from the room of a live ``session``; return how many there were.

        ``agents`` are those in the room. Agents with the session's own agent name are
        surplus, and not removed here. LiveKit is asked only if one of the others may be an ended
        session's: it has that name or reports none, as workers older than livekit-agents 1.3.
        Raises ``LiveKitError`` or ``StorageUnavailable``.
        """
        others = {
            agent.agent_name for agent in agents if agent.identity != session.agent_identity
        } - {session.agent_name}
        if not others:
            return 0
        recent, now = await recently_ended(self.ledger, session.room_name), self.clock.now()
        names = {one.agent_name for one in recent} - {session.agent_name}
        if not others & names and not (names and None in others) and self.agent_name not in others:
            return 0
        contents = await self.find_agent.contents(session.room_name)
        if contents is None or contents.room.sid != room.sid:
            return 0
        late = await find_late_agents(
            self.ledger,
            contents,
            recent,
            now,
            serving=session.agent_name,
            surplus=self.agent_name,
        )
        await self._delete_dispatches(session.room_name, late)
        await self._remove_agents(session.room_name, late)
        return len(late.identities) or len(late.dispatches)

    async def _late(
        self, room: Room, recent: Sequence[Session]
    ) -> tuple[RoomContents, LateAgents] | None:
        """Return what is in the room and what of it is late; None if nothing is to be removed."""
        contents = await self.find_agent.contents(RoomName(room.name))
        if contents is None or contents.room.sid != room.sid or contents.has_people:
            return None
        late = await find_late_agents(self.ledger, contents, recent, self.clock.now())
        return (contents, late) if late else None

    async def _remove(self, room_name: RoomName, contents: RoomContents, late: LateAgents) -> None:
        await self._delete_dispatches(room_name, late)
        if late.removed_from(contents).participants:
            await self._remove_agents(room_name, late)
        else:
            await self.rooms.delete(room_name)

    async def _delete_dispatches(self, room_name: RoomName, late: LateAgents) -> None:
        for dispatch_id in sorted(late.dispatches):
            await self.dispatcher.delete(room_name, dispatch_id)

    async def _remove_agents(self, room_name: RoomName, late: LateAgents) -> None:
        for identity in sorted(late.identities):
            # A job that LiveKit lists late is not ended with its dispatch.
            await self.rooms.remove_participant(room_name, identity)
