"""Send a webhook as LiveKit signs it."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Final

import aiohttp
import attrs
from google.protobuf.json_format import MessageToJson
from livekit.protocol.webhook import WebhookEvent

from adapters.livekit.tokens import TokenFactory

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


@attrs.frozen
class SignedWebhook:
    """Implements :class:`domain.diagnosis.ports.WebhookTarget`; ``event`` is the kind it sends."""

    tokens: TokenFactory
    event: str

    async def problem(self, url: str) -> str | None:
        """Return why a signed webhook is not accepted at ``url``; None if it is."""
        message = WebhookEvent(
            event=self.event, id=f"EV_{uuid.uuid4().hex}", created_at=int(self.tokens.now())
        )
        body = MessageToJson(message, indent=None).encode()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        token = self.tokens.access_token().with_sha256(digest).to_jwt()
        headers = {"Authorization": token, "Content-Type": "application/webhook+json"}
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                return _problem(url, response.status)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return (
                f"Nothing answers at {url}; start the service, or name the address that LiveKit "
                "posts to with --webhook-url."
            )


def _problem(url: str, status: int) -> str | None:
    match status:
        case 200:
            return None
        case 401:
            return (
                f"{url} refuses the signature; give this command and the service the same "
                "LIVEKIT_API_KEY and LIVEKIT_API_SECRET (or LIVEKIT_WEBHOOK_API_KEY and "
                "LIVEKIT_WEBHOOK_API_SECRET), which LiveKit signs with."
            )
        case 503:
            return f"{url} cannot store webhooks (HTTP 503); check its database at /health/ready."
        case _:
            return (
                f"{url} answers HTTP {status} to a webhook; it must be this service's route "
                "/telephony/livekit-webhook, with no proxy that redirects or changes requests."
            )
