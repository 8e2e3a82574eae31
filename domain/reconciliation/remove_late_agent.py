"""Remove an agent that arrived after its session had ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.rooms.dispatcher import Dispatcher
from domain.rooms.room import Dispatch, Room
from domain.rooms.rooms import Rooms
from domain.sessions.find_agent import FindAgent
from domain.sessions.hold_ended_room import HoldEndedRoom
from domain.sessions.room_contents import RoomContents
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.identifiers import RoomName

LATE_BY: Final = timedelta(minutes=15)
"""How long after a session's end an agent without a dispatch may be its own.

A worker joins the room of its job although the room, and the dispatch with it, was deleted
meanwhile; its join makes a new room (livekit-server 1.13.5).
"""


@attrs.frozen(kw_only=True)
class RemoveLateAgent:
    """Remove the agents of an ended session together with the room that they reopened."""

    ledger: SessionStore
    find_agent: FindAgent
    rooms: Rooms
    dispatcher: Dispatcher
    hold_room: HoldEndedRoom
    clock: Clock

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
        if not await self._has_late(ended, room):
            return False
        async with self.hold_room(ended):
            return await self._remove(ended, room)

    async def _has_late(self, ended: Session, room: Room) -> bool:
        contents = await self.find_agent.contents(RoomName(room.name))
        if contents is None or contents.room.sid != room.sid or contents.has_people:
            return False
        dispatches, agents = await self._late(ended, contents)
        return bool(dispatches or agents)

    async def _remove(self, ended: Session, room: Room) -> bool:
        room_name = RoomName(room.name)
        contents = await self.find_agent.contents(room_name)
        if contents is None or contents.room.sid != room.sid or contents.has_people:
            return False
        dispatches, agents = await self._late(ended, contents)
        for dispatch in dispatches:
            await self.dispatcher.delete(room_name, dispatch.id)
        if all(participant.identity in agents for participant in contents.participants):
            await self.rooms.delete(room_name)
            return True
        for identity in agents:
            await self.rooms.remove_participant(room_name, identity)
        return True

    async def _late(
        self, ended: Session, contents: RoomContents
    ) -> tuple[list[Dispatch], set[str]]:
        """Return the dispatches of ended sessions, and the identities of their agents."""
        ours: list[Dispatch] = []
        others: set[str] = set()
        may_be_others = False
        for dispatch in contents.dispatches or ():
            if await self._has_ended(dispatch, ended):
                ours.append(dispatch)
            elif dispatch.agent_name == ended.agent_name:
                others.update(dispatch.agents)
                # LiveKit lists a job some seconds after its agent has joined.
                may_be_others = may_be_others or not dispatch.agents
        agents = {agent.identity for agent in contents.agents(ended.agent_name)} - others
        explained = {identity for dispatch in ours for identity in dispatch.agents}
        is_recent = ended.ended_at is not None and self.clock.now() <= ended.ended_at + LATE_BY
        if may_be_others or not is_recent:
            agents &= explained
        # An earlier session in the room may have had another agent.
        present = {participant.identity for participant in contents.participants}
        return ours, agents | (explained & present)

    async def _has_ended(self, dispatch: Dispatch, ended: Session) -> bool:
        if ended.owns(dispatch):
            return True
        session = await self.ledger.find(dispatch.session_id, SYSTEM)
        return session is not None and not session.is_live
