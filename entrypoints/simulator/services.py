"""The API's methods: what RoomService and AgentDispatchService answer.

Limits, error codes and messages as livekit-server 1.13.5 gives them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import attrs
from google.protobuf.message import Message
from livekit.protocol.agent_dispatch import (
    AgentDispatch,
    CreateAgentDispatchRequest,
    DeleteAgentDispatchRequest,
    ListAgentDispatchRequest,
    ListAgentDispatchResponse,
)
from livekit.protocol.models import DisconnectReason, ParticipantInfo, Room
from livekit.protocol.room import (
    CreateRoomRequest,
    DeleteRoomRequest,
    DeleteRoomResponse,
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    RemoveParticipantResponse,
    RoomParticipantIdentity,
    UpdateParticipantRequest,
)

from entrypoints.simulator.access import Grants
from entrypoints.simulator.chaos import Chaos
from entrypoints.simulator.dispatches import Dispatches
from entrypoints.simulator.egress import EgressService
from entrypoints.simulator.sip import SipService
from entrypoints.simulator.twirp import TwirpError
from entrypoints.simulator.world import LiveRoom, World

MAX_METADATA_BYTES: Final = 512 * 1024
MAX_ROOM_NAME_BYTES: Final = 256
# livekit-server puts this before messages that come from within.
_INTERNAL: Final = "twirp error unknown: "


@attrs.frozen
class Method:
    """One method: the request it takes, and the coroutine that answers it."""

    request: type[Message]
    answer: Callable[[Any, Grants], Awaitable[Message]]


class RoomService:
    """``livekit.RoomService``, as far as a backend calls it."""

    def __init__(self, world: World, chaos: Callable[[], Chaos]) -> None:
        self._world = world
        self._chaos = chaos

    async def create_room(self, request: CreateRoomRequest, grants: Grants) -> Room:
        """Make a room; needs ``roomCreate``."""
        grants.require("roomCreate")
        if len(request.name.encode()) > MAX_ROOM_NAME_BYTES:
            limit = f"room name length exceeds limits: max length {MAX_ROOM_NAME_BYTES}"
            raise TwirpError("invalid_argument", _INTERNAL + limit)
        if len(request.metadata.encode()) > MAX_METADATA_BYTES:
            limit = f"metadata size exceeds limits {MAX_METADATA_BYTES}"
            raise TwirpError("invalid_argument", limit)
        return self._world.create_room(request).info

    async def list_rooms(self, request: ListRoomsRequest, grants: Grants) -> ListRoomsResponse:
        """The rooms of those names, or all; needs ``roomList``."""
        grants.require("roomList")
        rooms = self._world.rooms
        names = list(request.names) or list(rooms)
        found = [rooms[name].info for name in names if name in rooms]
        return ListRoomsResponse(rooms=self._chaos().listed(found))

    async def delete_room(self, request: DeleteRoomRequest, grants: Grants) -> DeleteRoomResponse:
        """Delete a room; needs the grant ``roomCreate``."""
        grants.require("roomCreate")
        if not self._world.close_room(request.room, DisconnectReason.ROOM_DELETED):
            raise TwirpError("not_found", _INTERNAL + "requested room does not exist")
        return DeleteRoomResponse()

    async def list_participants(
        self, request: ListParticipantsRequest, grants: Grants
    ) -> ListParticipantsResponse:
        """Return a room's participants; none of one that does not exist."""
        grants.require_admin(request.room)
        room = self._world.rooms.get(request.room)
        found = room.participants.values() if room else ()
        return ListParticipantsResponse(participants=self._chaos().listed(found))

    async def get_participant(
        self, request: RoomParticipantIdentity, grants: Grants
    ) -> ParticipantInfo:
        """One participant, or ``not_found``."""
        grants.require_admin(request.room)
        return self._participant(request.room, request.identity)

    async def remove_participant(
        self, request: RoomParticipantIdentity, grants: Grants
    ) -> RemoveParticipantResponse:
        """Make a participant leave."""
        grants.require_admin(request.room)
        self._participant(request.room, request.identity)
        self._world.leave(request.room, request.identity, DisconnectReason.PARTICIPANT_REMOVED)
        return RemoveParticipantResponse()

    async def update_participant(
        self, request: UpdateParticipantRequest, grants: Grants
    ) -> ParticipantInfo:
        """Sets what the request names; an attribute set to '' is deleted."""
        grants.require_admin(request.room)
        info = self._participant(request.room, request.identity)
        info.name = request.name or info.name
        info.metadata = request.metadata or info.metadata
        self._world.set_attributes(request.room, request.identity, request.attributes)
        return info

    def _participant(self, room_name: str, identity: str) -> ParticipantInfo:
        info = self._world.participant(room_name, identity)
        if info is None:
            raise TwirpError("not_found", _INTERNAL + "participant does not exist")
        return info


class AgentDispatchService:
    """``livekit.AgentDispatchService``.

    To list or delete in a room that does not exist hangs for ``unknown_room_seconds``.
    """

    def __init__(self, world: World, dispatches: Dispatches, unknown_room_seconds: float) -> None:
        self._world = world
        self._dispatches = dispatches
        self._unknown_room_seconds = unknown_room_seconds

    async def create_dispatch(
        self, request: CreateAgentDispatchRequest, grants: Grants
    ) -> AgentDispatch:
        """Dispatch an agent; makes the room, whatever its name."""
        grants.require_admin(request.room)
        if len(request.metadata.encode()) > MAX_METADATA_BYTES:
            raise TwirpError("invalid_argument", _INTERNAL + "metadata size exceeds limits")
        return self._dispatches.create(request)

    async def list_dispatch(
        self, request: ListAgentDispatchRequest, grants: Grants
    ) -> ListAgentDispatchResponse:
        """A room's dispatches, with the server's own for agents without a name."""
        grants.require_admin(request.room)
        room = await self._room(request.room)
        return ListAgentDispatchResponse(
            agent_dispatches=[
                dispatch
                for dispatch in room.dispatches.values()
                if request.dispatch_id in ("", dispatch.id)
            ]
        )

    async def delete_dispatch(
        self, request: DeleteAgentDispatchRequest, grants: Grants
    ) -> AgentDispatch:
        """Delete a dispatch and remove its agents."""
        grants.require_admin(request.room)
        dispatch = self._dispatches.delete(await self._room(request.room), request.dispatch_id)
        if dispatch is None:
            raise TwirpError("not_found", _INTERNAL + "dispatch ID not found")
        return dispatch

    async def _room(self, name: str) -> LiveRoom:
        room = self._world.rooms.get(name)
        if room is None:
            await asyncio.sleep(self._unknown_room_seconds)
            raise TwirpError("unavailable", _INTERNAL + "no response from servers")
        return room


def methods(
    rooms: RoomService, dispatches: AgentDispatchService, sip: SipService, egress: EgressService
) -> Mapping[str, Method]:
    """Every method that the simulator knows, by ``Service/Method``."""
    return {
        "RoomService/CreateRoom": Method(CreateRoomRequest, rooms.create_room),
        "RoomService/ListRooms": Method(ListRoomsRequest, rooms.list_rooms),
        "RoomService/DeleteRoom": Method(DeleteRoomRequest, rooms.delete_room),
        "RoomService/ListParticipants": Method(ListParticipantsRequest, rooms.list_participants),
        "RoomService/GetParticipant": Method(RoomParticipantIdentity, rooms.get_participant),
        "RoomService/RemoveParticipant": Method(RoomParticipantIdentity, rooms.remove_participant),
        "RoomService/UpdateParticipant": Method(UpdateParticipantRequest, rooms.update_participant),
        "AgentDispatchService/CreateDispatch": Method(
            CreateAgentDispatchRequest, dispatches.create_dispatch
        ),
        "AgentDispatchService/ListDispatch": Method(
            ListAgentDispatchRequest, dispatches.list_dispatch
        ),
        "AgentDispatchService/DeleteDispatch": Method(
            DeleteAgentDispatchRequest, dispatches.delete_dispatch
        ),
        **{f"SIP/{name}": Method(*method) for name, method in sip.methods().items()},
        **{f"Egress/{name}": Method(*method) for name, method in egress.methods().items()},
    }
