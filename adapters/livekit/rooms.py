"""LiveKit's RoomService."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
from livekit.api import (
    DeleteRoomRequest,
    ListParticipantsRequest,
    ListRoomsRequest,
    ParticipantInfo,
    ServerError,
    ServerErrorCode,
)

from adapters.livekit.client import LiveKitClient
from adapters.livekit.errors import livekit_errors
from domain.identifiers import RoomName
from domain.room import Participant, ParticipantKind, Room

_KINDS: Final[Mapping[ParticipantInfo.Kind, ParticipantKind]] = {
    ParticipantInfo.Kind.STANDARD: ParticipantKind.STANDARD,
    ParticipantInfo.Kind.SIP: ParticipantKind.SIP,
    ParticipantInfo.Kind.AGENT: ParticipantKind.AGENT,
    ParticipantInfo.Kind.EGRESS: ParticipantKind.EGRESS,
    ParticipantInfo.Kind.INGRESS: ParticipantKind.INGRESS,
}


@attrs.frozen
class LiveKitRooms:
    """Implements :class:`domain.ports.rooms.Rooms`."""

    client: LiveKitClient

    async def find(self, room_name: RoomName) -> Room | None:
        """The room's live instance, or None."""
        with livekit_errors():
            answer = await self.client.api.room.list_rooms(ListRoomsRequest(names=[str(room_name)]))
        return next((Room(name=room.name, sid=room.sid) for room in answer.rooms), None)

    async def participants(self, room_name: RoomName) -> list[Participant]:
        """Who is in the room; nobody in a room that does not exist."""
        with livekit_errors():
            answer = await self.client.api.room.list_participants(
                ListParticipantsRequest(room=str(room_name))
            )
        return [_participant(info) for info in answer.participants]

    async def delete(self, room_name: RoomName) -> bool:
        """End the room for everybody in it. False if there was no such room."""
        with livekit_errors():
            try:
                await self.client.api.room.delete_room(DeleteRoomRequest(room=str(room_name)))
            except ServerError as error:
                if error.code == ServerErrorCode.NOT_FOUND:
                    return False
                raise
        return True


def _participant(info: ParticipantInfo) -> Participant:
    attributes = info.attributes
    return Participant(
        identity=info.identity,
        kind=_KINDS.get(info.kind, ParticipantKind.OTHER),
        agent_name=attributes.get("lk.agent.name") or attributes.get("lk.agent_name") or None,
    )
