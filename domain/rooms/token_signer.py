"""LiveKit access tokens."""

from __future__ import annotations

from typing import Protocol

from domain.rooms.token_options import TokenOptions
from domain.shared.identifiers import Identity, RoomName


class TokenSigner(Protocol):
    """Signs LiveKit access tokens with the API secret."""

    def join_token(self, identity: Identity, room_name: RoomName, options: TokenOptions) -> str:
        """A JWT that lets ``identity`` join ``room_name`` only, to publish and subscribe.

        It is valid for the time to live of ``options`` from now.
        """
        ...
