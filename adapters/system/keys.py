"""Secrets, from the operating system's source of randomness."""

from __future__ import annotations

import base64
import secrets


class RandomKeys:
    """Implements the domain's ``KeyMaker``, ``PublishableKeyMaker`` and ``SecretMaker``."""

    def api_key(self) -> str:
        """A new API key."""
        return _key("blk")

    def publishable_key(self) -> str:
        """A new publishable key."""
        return _key("pk")

    def webhook_secret(self) -> str:
        """A new secret for signatures by Standard Webhooks."""
        return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _key(kind: str) -> str:
    handle = base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]
    return f"{kind}_{handle}_{secrets.token_urlsafe(32)}"
