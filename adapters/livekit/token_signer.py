"""LiveKit access tokens."""

from __future__ import annotations

from datetime import timedelta

import attrs
from livekit.api import AccessToken, VideoGrants

from domain.identifiers import Identity, RoomName


@attrs.frozen
class LiveKitTokenSigner:
    """Implements :class:`domain.ports.token_signer.TokenSigner`: HS256, without asking LiveKit."""

    api_key: str
    api_secret: str = attrs.field(repr=False)

    def join_token(self, identity: Identity, room_name: RoomName, ttl: timedelta) -> str:
        """A JWT that lets ``identity`` join ``room_name`` only, to publish and subscribe."""
        grants = VideoGrants(
            room_join=True,
            room=str(room_name),
            can_publish=True,
            can_subscribe=True,
            can_publish_data=True,
        )
        return (
            AccessToken(self.api_key, self.api_secret)
            .with_identity(str(identity))
            .with_grants(grants)
            .with_ttl(ttl)
            .to_jwt()
        )
