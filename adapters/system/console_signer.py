"""The values of the console's cookies, signed with the service's secret."""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime
from typing import Final

import attrs

from adapters.system.signatures import signature
from domain.access.console_session import ConsoleSession

_PURPOSE: Final = b"backend-livekit console "
"""Nothing else that the same secret signs begins like this."""
_TEXT: Final = re.compile(
    r"(?P<signed>v1\.(?P<expires>\d{1,11})\.(?P<prefix>(?:blk_[a-z2-7]{12})?)"
    r"\.(?P<fingerprint>[\w-]{43}))\.(?P<mac>[\w-]{43})",
    re.ASCII,
)


@attrs.frozen
class HmacConsoleSigner:
    """Implements :class:`domain.access.console_session.ConsoleSessionSigner` with HMAC-SHA-256."""

    secret: str = attrs.field(repr=False)

    def fingerprint(self, digest: str) -> str:
        """Return the keyed hash: it cannot be computed, so guesses cannot be tried on a cookie."""
        return self._mac(f"key {digest}")

    def text(self, session: ConsoleSession) -> str:
        """Return ``v1.<expiry, seconds since 1970>.<prefix>.<fingerprint>.<signature>``."""
        expires = int(session.expires_at.timestamp())
        signed = f"v1.{expires}.{session.prefix or ''}.{session.fingerprint}"
        return f"{signed}.{self._mac(f'session {signed}')}"

    def read(self, text: str) -> ConsoleSession | None:
        """Return what was signed; None if this text was not."""
        found = _TEXT.fullmatch(text)
        if found is None:
            return None
        if not hmac.compare_digest(self._mac(f"session {found['signed']}"), found["mac"]):
            return None
        return ConsoleSession(
            prefix=found["prefix"] or None,
            fingerprint=found["fingerprint"],
            expires_at=datetime.fromtimestamp(int(found["expires"]), UTC),
        )

    def _mac(self, text: str) -> str:
        return signature(self.secret.encode(), _PURPOSE + text.encode())
