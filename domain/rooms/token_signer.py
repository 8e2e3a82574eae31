"""LiveKit access tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Protocol

from domain.shared.identifiers import Identity, RoomName

TOKEN_TTL: Final = timedelta(minutes=10)
"""How long a user has to join; LiveKit renews the tokens of participants by as much."""


class TokenSigner(Protocol):
    """Signs LiveKit access tokens with the API secret."""

    def join_token(self, identity: Identity, room_name: RoomName, ttl: timedelta) -> str:
        """A JWT that lets ``identity`` join ``room_name`` only, to publish and subscribe.

        It is valid for ``ttl`` from now.
        """
        ...
