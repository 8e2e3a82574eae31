"""LiveKit access tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from domain.identifiers import Identity, RoomName


class TokenSigner(Protocol):
    """Signs LiveKit access tokens with the API secret."""

    def join_token(self, identity: Identity, room_name: RoomName, ttl: timedelta) -> str:
        """A JWT that lets ``identity`` join ``room_name`` only, to publish and subscribe.

        It is valid for ``ttl`` from now.
        """
        ...
