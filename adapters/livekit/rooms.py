"""LiveKit's RoomService."""

from __future__ import annotations

import attrs
from livekit.protocol.models import ParticipantInfo
from livekit.protocol.models import Room as RoomInfo
from livekit.protocol.room import (
    DeleteRoomRequest,
    DeleteRoomResponse,
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
    RemoveParticipantResponse,
    RoomParticipantIdentity,
)

from adapters.livekit.client import LiveKitClient, TwirpError
from adapters.livekit.errors import livekit_errors
from adapters.livekit.participants import to_participant
from domain.rooms.room import Participant, Room
from domain.shared.identifiers import RoomName


@attrs.frozen
class LiveKitRooms:
    """Implements :class:`domain.rooms.rooms.Rooms`.

    ``sip_identity_prefix`` marks telephones beside those whose kind is SIP.
    """

    client: LiveKitClient
    sip_identity_prefix: str = "sip_"

    async def find(self, room_name: RoomName) -> Room | None:
        """The room's live instance, or None."""
        with livekit_errors():
            answer = await self.client.call(
                "RoomService/ListRooms",
                ListRoomsRequest(names=[str(room_name)]),
                ListRoomsResponse,
                roomList=True,
            )
        return _room(answer.rooms[0]) if answer.rooms else None

    async def all(self) -> list[Room]:
        """Every room there is."""
        with livekit_errors():
            answers = self.client.call_for_many(
                "RoomService/ListRooms", ListRoomsRequest(), ListRoomsResponse, roomList=True
            )
            return [_room(info) async for answer in answers for info in answer.rooms]

    async def participants(self, room: Room) -> list[Participant]:
        """Who is in the room; nobody in a room that does not exist."""
        with livekit_errors():
            answer = await self.client.call(
                "RoomService/ListParticipants",
                ListParticipantsRequest(room=room.name),
                ListParticipantsResponse,
                roomAdmin=True,
                room=room.name,
            )
        instance = RoomInfo(name=room.name, sid=room.sid)
        return [
            to_participant(instance, info, self.sip_identity_prefix)
            for info in answer.participants
            if info.state != ParticipantInfo.State.DISCONNECTED
        ]

    async def remove_participant(self, room_name: RoomName, identity: str) -> None:
        """Make a participant leave. One that is not in the room is a success."""
        with livekit_errors():
            try:
                await self.client.call(
                    "RoomService/RemoveParticipant",
                    RoomParticipantIdentity(room=str(room_name), identity=identity),
                    RemoveParticipantResponse,
                    roomAdmin=True,
                    room=str(room_name),
                )
            except TwirpError as error:
                if error.code != "not_found":
                    raise

    async def delete(self, room_name: RoomName) -> bool:
        """End the room for everybody in it. False if there was no such room."""
        with livekit_errors():
            try:
                await self.client.call(
                    "RoomService/DeleteRoom",
                    DeleteRoomRequest(room=str(room_name)),
                    DeleteRoomResponse,
                    roomCreate=True,
                )
            except TwirpError as error:
                if error.code == "not_found":
                    return False
                raise
        return True


def _room(info: RoomInfo) -> Room:
    return Room(name=info.name, sid=info.sid, people=info.num_participants)
