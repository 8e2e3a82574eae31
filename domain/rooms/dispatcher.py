"""LiveKit's agent dispatch API."""

from __future__ import annotations

from typing import Protocol

from domain.rooms.room import Dispatch
from domain.shared.identifiers import RoomName


class Dispatcher(Protocol):
    """Creates, lists and deletes agent dispatches; never repeats a request by itself.

    Every method raises :class:`~domain.shared.livekit_errors.LiveKitRefused`,
    :class:`~domain.shared.livekit_errors.LiveKitUnreachable` (both: certainly nothing happened) or
    :class:`~domain.shared.livekit_errors.LiveKitUncertain` (it may have).
    """

    async def create(self, room_name: RoomName, agent_name: str, metadata: str) -> str:
        """The id of a new dispatch of ``agent_name`` into ``room_name``.

        LiveKit makes the room if there is none.

        Not idempotent: twice is two agents.
        """
        ...

    async def list(self, room_name: RoomName) -> list[Dispatch]:
        """The dispatches listed in a room that exists; none for a room that does not."""
        ...

    async def delete(self, room_name: RoomName, dispatch_id: str) -> None:
        """Delete a dispatch, which also ends its jobs and removes their agents.

        A dispatch or room that is not there is a success.
        """
        ...
