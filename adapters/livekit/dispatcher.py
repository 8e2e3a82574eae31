"""LiveKit's AgentDispatchService."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import attrs
from livekit.protocol.agent import Job as JobInfo
from livekit.protocol.agent import JobStatus as JobStatusInfo
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    CreateAgentDispatchRequest,
    DeleteAgentDispatchRequest,
    ListAgentDispatchRequest,
    ListAgentDispatchResponse,
)

from adapters.livekit.client import LiveKitClient, TwirpError, UnexpectedAnswer
from adapters.livekit.errors import livekit_errors
from adapters.livekit.moments import from_nanoseconds
from adapters.livekit.rooms import LiveKitRooms
from domain.rooms.room import Dispatch, Job, JobStatus
from domain.shared.identifiers import RoomName

_STATUSES: Final[Mapping[JobStatusInfo, JobStatus]] = {
    JobStatusInfo.JS_PENDING: JobStatus.PENDING,
    JobStatusInfo.JS_RUNNING: JobStatus.RUNNING,
    JobStatusInfo.JS_SUCCESS: JobStatus.SUCCESS,
}


@attrs.frozen
class LiveKitDispatcher:
    """Implements :class:`domain.rooms.dispatcher.Dispatcher`.

    Asks whether the room is there before it lists or deletes: livekit-server 1.13.5 lets such a
    request for an unknown room hang for 3 s and then answers 503.
    """

    client: LiveKitClient

    async def create(self, room_name: RoomName, agent_name: str, metadata: str) -> str:
        """The id of a new dispatch into ``room_name``, which LiveKit makes if there is none."""
        with livekit_errors():
            dispatch = await self.client.call(
                "AgentDispatchService/CreateDispatch",
                CreateAgentDispatchRequest(
                    room=str(room_name), agent_name=agent_name, metadata=metadata
                ),
                AgentDispatch,
                roomAdmin=True,
                room=str(room_name),
            )
            if not dispatch.id:
                raise UnexpectedAnswer("a new dispatch without an id")
        return dispatch.id

    async def list(self, room_name: RoomName) -> list[Dispatch]:
        """The dispatches listed in a room that exists; none for a room that does not."""
        if await self._there_is_no(room_name):
            return []
        with livekit_errors():
            answer = await self.client.call(
                "AgentDispatchService/ListDispatch",
                ListAgentDispatchRequest(room=str(room_name)),
                ListAgentDispatchResponse,
                roomAdmin=True,
                room=str(room_name),
            )
        return [_dispatch(dispatch) for dispatch in answer.agent_dispatches]

    async def delete(self, room_name: RoomName, dispatch_id: str) -> None:
        """Delete a dispatch; one that is not there, or whose room is not, is a success."""
        if await self._there_is_no(room_name):
            return
        with livekit_errors():
            try:
                await self.client.call(
                    "AgentDispatchService/DeleteDispatch",
                    DeleteAgentDispatchRequest(dispatch_id=dispatch_id, room=str(room_name)),
                    AgentDispatch,
                    roomAdmin=True,
                    room=str(room_name),
                )
            except TwirpError as error:
                if error.code != "not_found":
                    raise

    async def _there_is_no(self, room_name: RoomName) -> bool:
        return await LiveKitRooms(self.client).find(room_name) is None


def _dispatch(dispatch: AgentDispatch) -> Dispatch:
    return Dispatch(
        id=dispatch.id,
        agent_name=dispatch.agent_name,
        session_id=_session_id(dispatch.metadata),
        jobs=tuple(_job(job) for job in dispatch.state.jobs),
    )


def _job(job: JobInfo) -> Job:
    state = job.state
    return Job(
        id=job.id,
        status=_STATUSES.get(state.status, JobStatus.FAILED),
        agent_identity=state.participant_identity,
        started_at=from_nanoseconds(state.started_at),
        updated_at=from_nanoseconds(state.updated_at),
    )


def _session_id(metadata: str) -> str | None:
    """The ``session_id`` in a dispatch's metadata, which is anybody's text if it is not ours."""
    try:
        fields = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    session_id = fields.get("session_id") if isinstance(fields, dict) else None
    return session_id if isinstance(session_id, str) else None
