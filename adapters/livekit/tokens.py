"""LiveKit access tokens: JWTs in HS256 (RFC 7519).

The claims are those of https://docs.livekit.io/home/server/generating-tokens/. PyJWT verifies,
as in livekit-api's ``TokenVerifier``. Signing is done here: it takes a tenth of the time, and
every request to LiveKit and every user needs a token.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import attrs
import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm

_HEADER: Final = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}')
_LEEWAY_SECONDS: Final = 60
"""How far two machines' clocks may be apart; livekit-api's own."""

_DIGEST_BYTES: Final = 32
# PyJWT would compare times with the machine's clock rather than with the ledger's.
_DECODER: Final = jwt.PyJWT(
    {"require": ["exp", "iss"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}
)
_REASONS: Final[Mapping[type[jwt.PyJWTError], str]] = {
    jwt.InvalidSignatureError: "it is signed with another secret",
    jwt.InvalidAlgorithmError: "it is not in HS256",
    jwt.InvalidIssuerError: "another API key has issued it",
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is not valid yet; compare the machines' clocks",
    jwt.InvalidAudienceError: "it is for another audience",
}
_UNREADABLE: Final = "it is no JWT of LiveKit's"


class TokenRefused(Exception):
    """A token that this key did not sign, or that is not valid now; the message says which."""


class _LiveKitSecret(HMACAlgorithm):
    """HS256 with any secret: LiveKit's own ``--dev`` secret is shorter than PyJWT wants."""

    def prepare_key(self, key: str | bytes) -> bytes:
        return key.encode() if isinstance(key, str) else key

    def check_key_length(self, key: bytes) -> None:
        """Accept every length."""


@attrs.frozen
class TokenFactory:
    """Signs with the secret of an API key."""

    api_key: str
    api_secret: str = attrs.field(repr=False)
    now: Callable[[], float] = time.time
    _key: jwt.PyJWK = attrs.field(init=False, repr=False, eq=False)

    @_key.default
    def _prepared(self) -> jwt.PyJWK:
        secret = _base64(self.api_secret.encode()).decode()
        key = jwt.PyJWK.from_dict({"kty": "oct", "k": secret}, "HS256")
        key.Algorithm = _LiveKitSecret(HMACAlgorithm.SHA256)
        return key

    def token(
        self,
        ttl: timedelta,
        video: dict[str, Any],
        identity: str = "",
        attributes: dict[str, str] | None = None,
    ) -> str:
        """A token valid for ``ttl`` from now; ``video`` are its grants by their names in JSON.

        ``attributes`` are those that its participant has.
        """
        now = int(self.now())
        claims: dict[str, Any] = {
            "video": video,
            "sub": identity,
            "iss": self.api_key,
            "nbf": now,
            "exp": now + int(ttl.total_seconds()),
        }
        if attributes:
            claims["attributes"] = attributes
        signed = _HEADER + b"." + _base64(msgspec.json.encode(claims))
        signature = hmac.digest(self.api_secret.encode(), signed, "sha256")
        return (signed + b"." + _base64(signature)).decode()

    def body_digest(self, token: str) -> bytes:
        """Return the SHA-256 digest that a webhook's ``token`` names in its ``sha256`` claim.

        Raises :class:`TokenRefused` for a token that is not HS256, signed with this secret, issued
        by this key, valid now, for no audience in particular, and for a body.
        """
        try:
            claims = _DECODER.decode(token, self._key, ["HS256"], issuer=self.api_key)
        except jwt.PyJWTError as error:
            raise TokenRefused(_REASONS.get(type(error), _UNREADABLE)) from error
        except UnicodeEncodeError as error:
            raise TokenRefused(_UNREADABLE) from error
        self._check_times(claims)
        try:
            digest = base64.b64decode(claims["sha256"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            digest = b""
        if len(digest) != _DIGEST_BYTES:
            raise TokenRefused("it names no SHA-256 of a body, as a webhook's token does")
        return digest

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        """Raise :class:`TokenRefused` unless the token is valid now (RFC 7519 §4.1.4 to 4.1.6)."""
        now = self.now()
        try:
            expires_at = int(claims["exp"])
            begins_at = max(int(claims.get(name, 0)) for name in ("nbf", "iat"))
        except (TypeError, ValueError, OverflowError):
            raise TokenRefused(_UNREADABLE) from None
        if expires_at <= now - _LEEWAY_SECONDS:
            raise TokenRefused(_REASONS[jwt.ExpiredSignatureError])
        if begins_at > now + _LEEWAY_SECONDS:
            raise TokenRefused(_REASONS[jwt.ImmatureSignatureError])


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
