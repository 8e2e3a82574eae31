"""The tokens that users join with."""

from __future__ import annotations

from datetime import timedelta

import attrs
from livekit.api import VideoGrants

from adapters.livekit.phone_leg import NO_PHONE
from adapters.livekit.tokens import TokenFactory
from domain.shared.identifiers import Identity, RoomName


@attrs.frozen
class LiveKitTokenSigner:
    """Implements :class:`domain.rooms.token_signer.TokenSigner`, without asking LiveKit.

    An identity that begins with ``sip_identity_prefix`` gets an attribute that says that it is no
    telephone; its holder cannot remove it without the grant ``canUpdateOwnMetadata``.
    """

    tokens: TokenFactory
    sip_identity_prefix: str = "sip_"

    def join_token(self, identity: Identity, room_name: RoomName, ttl: timedelta) -> str:
        """Return a JWT that lets ``identity`` join only ``room_name``, publish and subscribe."""
        token = (
            self.tokens.access_token()
            .with_ttl(ttl)
            .with_identity(identity.value)
            .with_grants(VideoGrants(room_join=True, room=room_name.value))
        )
        prefix = self.sip_identity_prefix
        if prefix and identity.value.startswith(prefix):
            token.with_attributes(dict(NO_PHONE))
        return token.to_jwt()
