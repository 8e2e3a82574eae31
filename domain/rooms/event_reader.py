"""What is in a webhook's body."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.rooms.room_event import RoomEvent


class EventReader(Protocol):
    """Reads bodies that were verified before they were stored."""

    def read(self, body: bytes, received_at: datetime) -> RoomEvent | None:
        """The event in ``body``; None if it is of a kind that the ledger learns nothing from.

        LiveKit dates events to the second: of that second it is the moment nearest to
        ``received_at``. Raises :class:`~domain.shared.errors.InvalidWebhook`.
        """
        ...
