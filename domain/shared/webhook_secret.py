"""The secrets that requests to webhooks are signed with."""

from __future__ import annotations

import base64
import binascii
from typing import Final, Protocol

from domain.shared.errors import InvalidInput

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
_SECRET_BYTES: Final = range(24, 65)
"""By Standard Webhooks (https://www.standardwebhooks.com)."""


class SecretMaker(Protocol):
    """Makes the secrets that requests are signed with."""

    def webhook_secret(self) -> str:
        """Return ``whsec_`` and 32 random bytes in base64."""
        ...


def check_secret(given: object, *, field: str) -> str:
    """Return the secret. Raises :class:`InvalidInput` naming ``field``."""
    try:
        if not isinstance(given, str) or len(secret_bytes(given)) not in _SECRET_BYTES:
            raise ValueError
    except ValueError:
        raise InvalidInput(
            f"{field} must be '{SECRET_PREFIX}' and 24 to 64 bytes in base64; leave it out to have "
            "one made.",
            field=field,
        ) from None
    return given


def secret_bytes(secret: str) -> bytes:
    """Return the key that ``secret`` stands for. Raises ``ValueError`` for what is none."""
    prefix, encoded = secret[: len(SECRET_PREFIX)], secret[len(SECRET_PREFIX) :]
    if prefix != SECRET_PREFIX:
        raise ValueError
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError from None
