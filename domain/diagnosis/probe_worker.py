"""Find out whether a worker takes the agent's jobs, by dispatching an agent."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from domain.agents.agent_config import AgentConfig
from domain.rooms.dispatcher import Dispatcher
from domain.rooms.room import ParticipantKind
from domain.rooms.rooms import Rooms
from domain.sessions.agent_timeouts import TAKEN_WITHIN
from domain.shared.clock import Clock
from domain.shared.identifiers import RoomName
from domain.shared.ids import IdGenerator

_PAUSE: Final = timedelta(milliseconds=250)


@attrs.frozen
class WorkerProbe:
    """The probe's room, and how long it took until a job or the agent was seen; None if never."""

    room_name: RoomName
    taken_after: timedelta | None


@attrs.frozen(kw_only=True)
class ProbeWorker:
    """Dispatches an agent into a room of its own, which is deleted afterwards.

    LiveKit has no list of workers. Measured with livekit-server 1.13.5: a dispatch for a name that
    no worker has registered never lists a job; with a worker the agent joins within a second, and
    its job is listed after 5 s, also if the agent takes longer to join.
    """

    rooms: Rooms
    dispatcher: Dispatcher
    clock: Clock
    ids: IdGenerator
    taken_within: timedelta = TAKEN_WITHIN

    async def __call__(self, agent_name: str) -> WorkerProbe:
        """Dispatch this agent, watch and clean up. Raises ``LiveKitError``."""
        room_name = RoomName(f"doctor-{self.ids.session_id()}")
        metadata = AgentConfig.parse(None).metadata(session_id=str(self.ids.session_id()))
        began = self.clock.monotonic()
        dispatch_id: str | None = None
        try:
            dispatch_id = await self.dispatcher.create(room_name, agent_name, metadata)
            while not await self._is_taken(room_name):
                if self.clock.monotonic() - began >= self.taken_within.total_seconds():
                    return WorkerProbe(room_name, None)
                await self.clock.sleep(_PAUSE)
            return WorkerProbe(room_name, timedelta(seconds=self.clock.monotonic() - began))
        finally:
            await self._clean_up(room_name, dispatch_id)

    async def _clean_up(self, room_name: RoomName, dispatch_id: str | None) -> None:
        """Delete what was made, which LiveKit may have done although its answer was an error."""
        try:
            # First the dispatch: an agent that joins later would open the room again.
            if dispatch_id is not None:
                await self.dispatcher.delete(room_name, dispatch_id)
        finally:
            if dispatch_id is not None or await self.rooms.find(room_name) is not None:
                await self.rooms.delete(room_name)

    async def _is_taken(self, room_name: RoomName) -> bool:
        room = await self.rooms.find(room_name)
        if room is None:
            return False
        participants = await self.rooms.participants(room)
        if any(one.kind is ParticipantKind.AGENT for one in participants):
            return True
        dispatches = await self.dispatcher.list(room_name)
        return any(dispatch.jobs for dispatch in dispatches)
