"""LiveKit's webhooks (https://docs.livekit.io/home/server/webhooks/)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import attrs
import msgspec

from adapters.livekit.tokens import TokenFactory, TokenRefused
from domain.errors import InvalidWebhook, WebhookForged
from domain.identifiers import LONGEST
from domain.ports.webhook_verifier import WebhookEvent

_BEARER: Final = "Bearer "


class _Room(msgspec.Struct):
    name: str | None = None
    sid: str | None = None


class _Event(msgspec.Struct):
    """What the inbox must know of an event; whoever handles it reads the rest."""

    event: str
    id: str | None = None
    room: _Room | None = None


_READER: Final = msgspec.json.Decoder(_Event)
_NO_ROOM: Final = _Room()


@attrs.frozen
class LiveKitWebhookVerifier:
    """Implements :class:`domain.ports.webhook_verifier.WebhookVerifier`.

    The ``Authorization`` header is a JWT in HS256, with or without ``Bearer``, issued by the API
    key, not expired, without an audience, whose ``sha256`` claim is the body's.
    """

    tokens: TokenFactory

    def verify(self, body: bytes, authorization: str | None) -> WebhookEvent:
        """The event in ``body``, which ``authorization`` vouches for."""
        if not authorization:
            raise WebhookForged("A webhook carries LiveKit's JWT in its Authorization header.")
        digest = hashlib.sha256(body)
        try:
            vouched_for = self.tokens.body_hash(authorization.removeprefix(_BEARER))
        except TokenRefused as error:
            raise WebhookForged(
                f"LiveKit's key did not sign this webhook: {error}; "
                "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET."
            ) from None
        if not hmac.compare_digest(vouched_for, digest.digest()):
            raise WebhookForged("The signature is not one for this body.")
        try:
            body.decode()
            event = _READER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise InvalidWebhook("The body is not a LiveKit webhook event in JSON.") from None
        room = event.room or _NO_ROOM
        if not event.event:
            raise InvalidWebhook("The body names no event.")
        if len(room.name or "") > LONGEST:
            raise InvalidWebhook(f"The event's room has a name of more than {LONGEST} characters.")
        return WebhookEvent(
            id=_storable(event.id) or f"sha256:{digest.hexdigest()}",
            kind=_storable(event.event),
            room_name=_storable(room.name),
            room_sid=_storable(room.sid),
            body=body,
        )


def _storable(text: str | None) -> str:
    """``text`` without what no database holds."""
    return (text or "").replace("\0", "�")
