"""The signatures of links to recordings."""

from __future__ import annotations

import hmac
from typing import Final

import attrs

from adapters.system.signatures import signature

_PURPOSE: Final = b"backend-livekit recording links"
"""No token of LiveKit, which the same secret signs, begins like this."""


@attrs.frozen
class HmacLinkSigner:
    """Implements :class:`domain.recordings.link.LinkSigner` with HMAC-SHA-256.

    The key is derived from ``secret``, so it is no other purpose's.
    """

    secret: str = attrs.field(repr=False)

    def signature(self, recording_id: str, expires: int) -> str:
        """Return the signature of a link."""
        key = hmac.digest(self.secret.encode(), _PURPOSE, "sha256")
        signed = f"/recordings/{recording_id} {expires}".encode(errors="replace")
        return signature(key, signed)
