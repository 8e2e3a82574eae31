"""LiveKit's RoomService."""

from __future__ import annotations

import attrs
from livekit.api import (
    DeleteRoomRequest,
    ListParticipantsRequest,
    ListRoomsRequest,
    ListRoomsResponse,
    ParticipantInfo,
    RoomParticipantIdentity,
    ServerError,
    ServerErrorCode,
)
from livekit.protocol.models import Room as RoomInfo

from adapters.livekit.client import LiveKitClient
from adapters.livekit.errors import livekit_errors
from adapters.livekit.participants import to_participant
from adapters.livekit.phone_leg import Normalised
from domain.rooms.room import Participant, Room
from domain.shared.identifiers import RoomName


@attrs.frozen
class LiveKitRooms:
    """Implements :class:`domain.rooms.rooms.Rooms`.

    ``sip_identity_prefix`` marks telephones beside those whose kind is SIP; ``normalised`` writes
    telephone numbers in the form that filters look for.
    """

    client: LiveKitClient
    sip_identity_prefix: str
    normalised: Normalised

    async def find(self, room_name: RoomName) -> Room | None:
        """Return the room's live instance, or None."""
        return await find_room(self.client, room_name)

    async def all(self) -> list[Room]:
        """Return every live room."""
        found: list[Room] = []

        def take(part: ListRoomsResponse) -> None:
            found.extend(_room(info) for info in part.rooms)

        with livekit_errors():
            await self.client.rooms_in_parts(take).list_rooms(ListRoomsRequest())
        return found

    async def participants(self, room: Room) -> list[Participant]:
        """Return the participants of the room; none for a room that does not exist."""
        with livekit_errors():
            answer = await self.client.rooms.list_participants(
                ListParticipantsRequest(room=room.name)
            )
        instance = RoomInfo(name=room.name, sid=room.sid)
        return [
            to_participant(instance, info, self.sip_identity_prefix, self.normalised)
            for info in answer.participants
            if info.state != ParticipantInfo.State.DISCONNECTED
        ]

    async def remove_participant(self, room_name: RoomName, identity: str) -> None:
        """Make a participant leave. One that is not in the room is a success."""
        participant = RoomParticipantIdentity(room=str(room_name), identity=identity)
        with livekit_errors():
            try:
                await self.client.rooms.remove_participant(participant)
            except ServerError as error:
                if error.code != ServerErrorCode.NOT_FOUND:
                    raise

    async def delete(self, room_name: RoomName) -> bool:
        """End the room for every participant. False if there was no such room."""
        with livekit_errors():
            try:
                await self.client.rooms.delete_room(DeleteRoomRequest(room=str(room_name)))
            except ServerError as error:
                if error.code == ServerErrorCode.NOT_FOUND:
                    return False
                raise
        return True


async def find_room(client: LiveKitClient, room_name: RoomName) -> Room | None:
    """Return the room's live instance, or None."""
    with livekit_errors():
        response = await client.rooms.list_rooms(ListRoomsRequest(names=[str(room_name)]))
    return _room(response.rooms[0]) if response.rooms else None


def _room(info: RoomInfo) -> Room:
    return Room(name=info.name, sid=info.sid, people=info.num_participants)
