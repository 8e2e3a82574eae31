"""The tokens that users join with."""

from __future__ import annotations

from datetime import timedelta

import attrs

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
        """A JWT that lets ``identity`` join ``room_name`` only, to publish and subscribe."""
        grants = {
            "roomJoin": True,
            "room": room_name.value,
            "canPublish": True,
            "canSubscribe": True,
            "canPublishData": True,
        }
        prefix = self.sip_identity_prefix
        looks_like_phone = bool(prefix) and identity.value.startswith(prefix)
        attributes = dict(NO_PHONE) if looks_like_phone else None
        return self.tokens.token(ttl, grants, identity.value, attributes)
