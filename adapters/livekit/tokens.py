"""LiveKit access tokens: JWTs in HS256 (RFC 7519, RFC 7515 §3.1).

The claims are those of https://docs.livekit.io/home/server/generating-tokens/ as livekit-api's
``AccessToken`` writes them and its ``TokenVerifier`` reads them, which take ten times as long:
every request to LiveKit, every user and every webhook has one. The tests compare both.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import attrs
import msgspec

_HEADER: Final = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}')
_LEEWAY_SECONDS: Final = 60
"""How far two machines' clocks may be apart; livekit-api's own."""


class TokenRefused(Exception):
    """A token that this key did not sign, or that is not valid now; the message says which."""


class _Head(msgspec.Struct):
    alg: str
    typ: str = "JWT"
    crit: msgspec.UnsetType = msgspec.UNSET
    b64: msgspec.UnsetType = msgspec.UNSET


class _Claims(msgspec.Struct):
    exp: float
    iss: str
    nbf: float = 0
    iat: float = 0
    aud: str | list[str] = ""
    sub: str = ""
    jti: str = ""
    sha256: str = ""


_read_head: Final = msgspec.json.Decoder(_Head).decode
_read_claims: Final = msgspec.json.Decoder(_Claims).decode


@attrs.frozen
class TokenFactory:
    """Signs with the secret of an API key."""

    api_key: str
    api_secret: str = attrs.field(repr=False)
    now: Callable[[], float] = time.time

    def token(self, ttl: timedelta, video: dict[str, Any], identity: str = "") -> str:
        """A token valid for ``ttl`` from now; ``video`` are its grants by their names in JSON."""
        now = int(self.now())
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

    def body_hash(self, token: str) -> bytes:
        """The SHA-256 that a webhook's ``token`` names; nothing if it names none.

        Raises :class:`TokenRefused` for one that is not HS256, signed with this secret, issued by
        this key, valid now, and for no audience in particular (RFC 7519 §4.1, RFC 7515 §4.1.11).
        """
        try:
            signed, _, signature = token.encode().rpartition(b".")
            right = hmac.digest(self.api_secret.encode(), signed, "sha256")
            if not hmac.compare_digest(_bytes(signature), right):
                raise TokenRefused("it is signed with another secret")
            head, _, payload = signed.partition(b".")
            if _read_head(_bytes(head)).alg != "HS256":
                raise TokenRefused("it is not in HS256")
            claims = _read_claims(_bytes(payload))
            digest = base64.b64decode(claims.sha256, validate=True)
        except (msgspec.DecodeError, binascii.Error, ValueError, RecursionError) as error:
            raise TokenRefused("it is no JWT of LiveKit's") from error
        now = self.now()
        if claims.iss != self.api_key:
            raise TokenRefused("another API key has issued it")
        if claims.exp <= now - _LEEWAY_SECONDS:
            raise TokenRefused("it has expired")
        if max(claims.nbf, claims.iat) > now + _LEEWAY_SECONDS:
            raise TokenRefused("it is not valid yet; compare the machines' clocks")
        if claims.aud:
            raise TokenRefused("it is for another audience")
        return digest


def _bytes(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
