"""LiveKit's AgentDispatchService."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import attrs
from livekit.api import AgentDispatch, CreateAgentDispatchRequest, ServerError, ServerErrorCode
from livekit.api import Job as JobInfo
from livekit.api import JobStatus as JobStatusInfo

from adapters.livekit.client import LiveKitClient
from adapters.livekit.errors import livekit_errors
from adapters.livekit.moments import from_nanoseconds
from adapters.livekit.rooms import find_room
from adapters.livekit.transport import UnexpectedResponse
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

    Asks whether the room exists before it lists or deletes: livekit-server 1.13.5 lets such a
    request for an unknown room hang for 3 s and then answers 503.
    """

    client: LiveKitClient

    async def create(self, room_name: RoomName, agent_name: str, metadata: str) -> str:
        """Return the id of a new dispatch into ``room_name``, which LiveKit makes if needed."""
        request = CreateAgentDispatchRequest(
            room=str(room_name), agent_name=agent_name, metadata=metadata
        )
        with livekit_errors():
            dispatch = await self.client.dispatches.create_dispatch(request)
            if not dispatch.id:
                raise UnexpectedResponse("a new dispatch without an id")
        return dispatch.id

    async def list(self, room_name: RoomName) -> list[Dispatch]:
        """Return the dispatches in a room; none for a room that does not exist."""
        if await self._is_missing(room_name):
            return []
        with livekit_errors():
            dispatches = await self.client.dispatches.list_dispatch(str(room_name))
        return [_dispatch(dispatch) for dispatch in dispatches]

    async def delete(self, room_name: RoomName, dispatch_id: str) -> None:
        """Delete a dispatch. One that does not exist, or whose room does not, is a success."""
        if await self._is_missing(room_name):
            return
        with livekit_errors():
            try:
                await self.client.dispatches.delete_dispatch(dispatch_id, str(room_name))
            except ServerError as error:
                if error.code != ServerErrorCode.NOT_FOUND:
                    raise

    async def _is_missing(self, room_name: RoomName) -> bool:
        return await find_room(self.client, room_name) is None


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
    """The ``session_id`` in a dispatch's metadata, which may be any text if it is not ours."""
    try:
        fields = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    session_id = fields.get("session_id") if isinstance(fields, dict) else None
    return session_id if isinstance(session_id, str) else None
