"""The port to what is known of rooms that have ended."""

from __future__ import annotations

from typing import Protocol


class FinishedRooms(Protocol):
    """Knows which room instances LiveKit has reported as finished."""

    async def has_finished(self, room_sid: str) -> bool:
        """Return whether an event reports the end of this room instance.

        Raises :class:`~domain.shared.errors.StorageUnavailable`.
        """
        ...
