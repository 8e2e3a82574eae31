"""Secrets, from the operating system's source of randomness."""

from __future__ import annotations

import base64
import secrets


class RandomKeys:
    """Implements :class:`domain.access.repository.KeyMaker`."""

    def api_key(self) -> str:
        """A new API key."""
        handle = base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]
        return f"blk_{handle}_{secrets.token_urlsafe(32)}"
