"""LiveKit's access tokens and their grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jwt

from entrypoints.simulator.twirp import TwirpError

_BEARER: Final = "Bearer "
_LEEWAY_SECONDS: Final = 60


class InvalidToken(Exception):
    """The request's token is not one that this server's key signed, or has expired (401)."""


class Grants:
    """The ``video`` and ``sip`` grants of a token."""

    def __init__(self, video: Mapping[str, Any], sip: Mapping[str, Any] | None = None) -> None:
        self._video = video
        self._sip = sip or {}

    def require(self, name: str) -> None:
        """Raise :class:`TwirpError` unless ``name`` is granted."""
        if self._video.get(name) is not True:
            raise TwirpError("unauthenticated", "permissions denied")

    def require_admin(self, room: str) -> None:
        """Raise :class:`TwirpError` unless ``room``, by its exact name, may be administered."""
        self.require("roomAdmin")
        if self._video.get("room", "") != room:
            raise TwirpError("unauthenticated", "permissions denied")

    def require_sip_admin(self) -> None:
        """Raise :class:`TwirpError` unless trunks and dispatch rules may be administered."""
        if self._sip.get("admin") is not True:
            raise TwirpError("unauthenticated", "permissions denied")


def grants_of(authorization: str | None, api_key: str, api_secret: str) -> Grants:
    """The grants in an ``Authorization`` header; none without one.

    Raises :class:`InvalidToken`. Its message, unlike the real server's, leaves the token out.
    """
    if authorization is None:
        return Grants({})
    if not authorization.startswith(_BEARER):
        raise InvalidToken(f"invalid authorization header. Must start with {_BEARER}")
    token = authorization.removeprefix(_BEARER)
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError as error:
        raise InvalidToken("invalid authorization token") from error
    if issuer != api_key:
        raise InvalidToken(f"invalid API key: {issuer}")
    try:
        claims = jwt.decode(
            token,
            api_secret,
            algorithms=["HS256"],
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp"]},
        )
    except jwt.PyJWTError as error:
        raise InvalidToken(f"invalid token, error: {error}") from error
    video, sip = claims.get("video"), claims.get("sip")
    return Grants(video if isinstance(video, dict) else {}, sip if isinstance(sip, dict) else None)
