"""LiveKit's room API."""

from __future__ import annotations

from typing import Protocol

from domain.rooms.room import Participant, Room
from domain.shared.identifiers import RoomName


class Rooms(Protocol):
    """What is in LiveKit's rooms. Errors as for :class:`~domain.rooms.dispatcher.Dispatcher`."""

    async def find(self, room_name: RoomName) -> Room | None:
        """The room's live instance, or None."""
        ...

    async def all(self) -> list[Room]:
        """Every room there is."""
        ...

    async def participants(self, room: Room) -> list[Participant]:
        """Return the participants of the room; none of a room that does not exist.

        LiveKit lists by the room's name: ``room`` must be its live instance.
        """
        ...

    async def remove_participant(self, room_name: RoomName, identity: str) -> None:
        """Make a participant leave. One that is not in the room is a success."""
        ...

    async def delete(self, room_name: RoomName) -> bool:
        """Delete the room and disconnect its participants. False if there was no such room."""
        ...
