"""The tokens that users join with."""

from __future__ import annotations

from typing import Final

import attrs
from livekit.api import RoomAgentDispatch, RoomConfiguration, VideoGrants

from adapters.livekit.phone_leg import NO_PHONE
from adapters.livekit.tokens import TokenFactory
from domain.rooms.token_options import TokenOptions
from domain.shared.identifiers import Identity, RoomName

_WITHOUT_DISPATCH: Final = RoomConfiguration(agents=[RoomAgentDispatch()])
"""Makes client SDKs wait for an agent; to LiveKit it is the same as no configuration.

Without one, livekit-server offers a room's job to workers without a name
(``createAgentDispatchesFromRoomAgent``, livekit-server 1.13.5): as it does with this one.
"""


@attrs.frozen
class LiveKitTokenSigner:
    """Implements :class:`domain.rooms.token_signer.TokenSigner`, without asking LiveKit.

    An identity that begins with ``sip_identity_prefix`` gets an attribute that says that it is no
    telephone; its holder cannot remove it without the grant ``canUpdateOwnMetadata``.
    """

    tokens: TokenFactory
    sip_identity_prefix: str = "sip_"

    def join_token(self, identity: Identity, room_name: RoomName, options: TokenOptions) -> str:
        """Return a JWT that lets ``identity`` join only ``room_name``, publish and subscribe."""
        token = (
            self.tokens.access_token()
            .with_ttl(options.ttl)
            .with_identity(identity.value)
            .with_grants(VideoGrants(room_join=True, room=room_name.value))
        )
        token.claims.name = options.name or ""
        token.claims.metadata = options.metadata or ""
        prefix = self.sip_identity_prefix
        needs_mark = bool(prefix) and identity.value.startswith(prefix)
        attributes = {**options.attributes, **(NO_PHONE if needs_mark else {})}
        if attributes:
            token.with_attributes(attributes)
        if options.awaits_agent:
            token.claims.room_config = _WITHOUT_DISPATCH
        return token.to_jwt()
