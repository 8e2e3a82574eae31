"""LiveKit's webhooks (https://docs.livekit.io/home/server/webhooks/)."""

from __future__ import annotations

import hashlib
from typing import Final

import attrs
import jwt
from google.protobuf.json_format import ParseError
from livekit.api import TokenVerifier, WebhookReceiver

from domain.errors import InvalidWebhook, WebhookForged
from domain.identifiers import LONGEST
from domain.ports.webhook_verifier import WebhookEvent

_BEARER: Final = "Bearer "


@attrs.frozen
class LiveKitWebhookVerifier:
    """Implements :class:`domain.ports.webhook_verifier.WebhookVerifier`.

    The ``Authorization`` header is a JWT in HS256, with or without ``Bearer``, issued by the API
    key, not expired, without an audience, whose ``sha256`` claim is the body's.
    """

    api_key: str
    api_secret: str = attrs.field(repr=False)

    def verify(self, body: bytes, authorization: str | None) -> WebhookEvent:
        """The event in ``body``, which ``authorization`` vouches for."""
        if not authorization:
            raise WebhookForged("A webhook carries LiveKit's JWT in its Authorization header.")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise InvalidWebhook("The body is not UTF-8.") from None
        receiver = WebhookReceiver(TokenVerifier(self.api_key, self.api_secret))
        try:
            event = receiver.receive(text, authorization.removeprefix(_BEARER))
        except (ParseError, RecursionError):
            raise InvalidWebhook("The body is not a LiveKit webhook event in JSON.") from None
        except jwt.PyJWTError as error:
            raise WebhookForged(
                f"LiveKit's key did not sign this webhook ({type(error).__name__}); "
                "check LIVEKIT_API_KEY and LIVEKIT_API_SECRET."
            ) from None
        # The receiver raises bare Exceptions, and what a JWT's odd claims break in it.
        except Exception:  # noqa: BLE001
            raise WebhookForged("The signature is not one for this body.") from None
        if not event.event:
            raise InvalidWebhook("The body names no event.")
        if len(event.room.name) > LONGEST:
            raise InvalidWebhook(f"The event's room has a name of more than {LONGEST} characters.")
        return WebhookEvent(
            id=_storable(event.id) or f"sha256:{hashlib.sha256(body).hexdigest()}",
            kind=_storable(event.event),
            room_name=_storable(event.room.name),
            room_sid=_storable(event.room.sid),
            body=body,
        )


def _storable(text: str) -> str:
    """``text`` without what no database holds."""
    return text.replace("\0", "�")
