"""LiveKit access tokens: JWTs in HS256 (RFC 7519, RFC 7515 §3.1).

The claims are those of https://docs.livekit.io/home/server/generating-tokens/ as livekit-api's
``AccessToken`` writes them, which takes ten times as long (``make profile``): every request to
LiveKit, and every user, needs one.
"""

from __future__ import annotations

import base64
import hmac
import time
from datetime import timedelta
from typing import Any, Final

import attrs
import msgspec

_HEADER: Final = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}')


@attrs.frozen
class TokenFactory:
    """Signs with the secret of an API key."""

    api_key: str
    api_secret: str = attrs.field(repr=False)

    def token(self, ttl: timedelta, video: dict[str, Any], identity: str = "") -> str:
        """A token valid for ``ttl`` from now; ``video`` are its grants by their names in JSON."""
        now = int(time.time())
        claims = {
            "video": video,
            "sub": identity,
            "iss": self.api_key,
            "nbf": now,
            "exp": now + int(ttl.total_seconds()),
        }
        signed = _HEADER + b"." + _base64(msgspec.json.encode(claims))
        signature = hmac.digest(self.api_secret.encode(), signed, "sha256")
        return (signed + b"." + _base64(signature)).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
