"""LiveKit access tokens: JWTs in HS256 (RFC 7519).

The claims are livekit-api's (https://docs.livekit.io/home/server/generating-tokens/), and PyJWT
verifies. Only signing is done here: it takes 7 µs instead of livekit-api's 56 µs, and every request
to LiveKit and every user needs a token.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Final

import attrs
import jwt
import msgspec
from google.protobuf.json_format import MessageToDict
from jwt.algorithms import HMACAlgorithm
from livekit import api
from livekit.api.access_token import DEFAULT_LEEWAY, snake_to_lower_camel

_HEADER: Final = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}')
_DIGEST_BYTES: Final = 32
_REASONS: Final[Mapping[type[jwt.PyJWTError], str]] = {
    jwt.InvalidSignatureError: "it is signed with another secret",
    jwt.InvalidAlgorithmError: "it is not in HS256",
    jwt.InvalidIssuerError: "another API key has issued it",
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is not valid yet; compare the machines' clocks",
    jwt.InvalidAudienceError: "it is for another audience",
}
_UNREADABLE: Final = "it is no JWT of LiveKit's"
_json_name = cache(snake_to_lower_camel)
_encoder: Final = msgspec.json.Encoder(enc_hook=MessageToDict)


class TokenRefused(Exception):
    """A token that this key did not sign, or that is not valid now; the message says which."""


class AccessToken(api.AccessToken):
    """livekit-api's access token, issued at the ledger's time and signed in less time."""

    def __init__(self, key: TokenFactory) -> None:
        super().__init__(key.api_key, key.api_secret)
        self._key = key

    def to_jwt(self) -> str:
        """Return the signed token, with the claims that livekit-api gives it."""
        video = self.claims.video
        if video and video.room_join and not (self.identity and video.room):
            raise ValueError("A token to join a room needs an identity and the room's name.")
        now = int(self._key.now())
        claims = _members(self.claims)
        claims["sub"], claims["iss"] = self.identity, self.api_key
        claims["nbf"], claims["exp"] = now, now + int(self.ttl.total_seconds())
        return self._key.sign(_encoder.encode(claims))


class _LiveKitSecret(HMACAlgorithm):
    """HS256 with any secret: that of LiveKit's ``--dev`` mode is shorter than PyJWT wants."""

    def prepare_key(self, key: str | bytes) -> bytes:
        return key.encode() if isinstance(key, str) else key

    def check_key_length(self, key: bytes) -> None:
        """Accept every length."""


class _LedgerTimeJWT(jwt.PyJWT):
    """PyJWT, comparing a token's times with ``now`` instead of the machine's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__({"require": ["exp", "iss"]})
        self._now = now

    def _validate_iat(self, payload: dict[str, Any], _now: float, leeway: float) -> None:
        super()._validate_iat(payload, self._now(), leeway)

    def _validate_nbf(self, payload: dict[str, Any], _now: float, leeway: float) -> None:
        super()._validate_nbf(payload, self._now(), leeway)

    def _validate_exp(self, payload: dict[str, Any], _now: float, leeway: float) -> None:
        super()._validate_exp(payload, self._now(), leeway)


@attrs.frozen
class TokenFactory:
    """Sign and verify with the secret of an API key, by the Unix time that ``now`` returns."""

    api_key: str
    api_secret: str = attrs.field(repr=False)
    now: Callable[[], float] = time.time
    _key: jwt.PyJWK = attrs.field(init=False, repr=False, eq=False)
    _jwt: _LedgerTimeJWT = attrs.field(init=False, repr=False, eq=False)
    _hmac: hmac.HMAC = attrs.field(init=False, repr=False, eq=False)

    @_key.default
    def _prepared(self) -> jwt.PyJWK:
        secret = _base64(self.api_secret.encode()).decode()
        key = jwt.PyJWK.from_dict({"kty": "oct", "k": secret}, "HS256")
        key.Algorithm = _LiveKitSecret(HMACAlgorithm.SHA256)
        return key

    @_jwt.default
    def _verifying(self) -> _LedgerTimeJWT:
        return _LedgerTimeJWT(self.now)

    @_hmac.default
    def _keyed(self) -> hmac.HMAC:
        return hmac.new(self.api_secret.encode(), digestmod="sha256")

    def access_token(self) -> AccessToken:
        """Return a token to be given its grants and signed."""
        return AccessToken(self)

    def sign(self, claims: bytes) -> str:
        """Return the JWT with these claims, which are a JSON object."""
        signed = _HEADER + b"." + _base64(claims)
        signature = self._hmac.copy()  # half of the time of starting with the secret
        signature.update(signed)
        return (signed + b"." + _base64(signature.digest())).decode()

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a ``token``.

        Raises :class:`TokenRefused` for one that is not HS256, signed with this secret, issued by
        this key, valid now, and for no audience in particular.
        """
        try:
            found: dict[str, Any] = self._jwt.decode(
                token, self._key, ["HS256"], issuer=self.api_key, leeway=DEFAULT_LEEWAY
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(_REASONS.get(type(error), _UNREADABLE)) from error
        except UnicodeEncodeError as error:
            raise TokenRefused(_UNREADABLE) from error
        return found

    def body_digest(self, token: str) -> bytes:
        """Return the SHA-256 digest that a webhook's ``token`` names in its ``sha256`` claim.

        Raises :class:`TokenRefused` as :meth:`claims`, and for a token that is for no body.
        """
        claims = self.claims(token)
        try:
            digest = base64.b64decode(claims["sha256"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            digest = b""
        if len(digest) != _DIGEST_BYTES:
            raise TokenRefused("it names no SHA-256 of a body, as a webhook's token does")
        return digest


def _members(claims: object) -> dict[str, Any]:
    """Return a dataclass's fields that are set, by their names in JSON, as ``Claims.asdict`` does.

    That one copies every value deeply first.
    """
    members = _set_fields(claims)
    for name, value in members.items():
        if is_dataclass(value):
            members[name] = _set_fields(value)
    return members


def _set_fields(claims: object) -> dict[str, Any]:
    return {
        _json_name(name): value
        for name, value in vars(claims).items()
        if value is not None and value != ""
    }


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
