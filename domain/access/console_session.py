"""Sessions of the console: what a browser's cookie says, and who signs it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Protocol

import attrs

LIFETIME: Final = timedelta(hours=12)


@attrs.frozen(kw_only=True)
class ConsoleSession:
    """Which API key a browser has presented, without anything of the key's secret part.

    ``prefix`` is that of a key that was made here, None for one of the deployment's settings.
    ``fingerprint`` is a keyed hash of the key's digest. Times are UTC.
    """

    prefix: str | None
    fingerprint: str
    expires_at: datetime


class ConsoleSessionSigner(Protocol):
    """Writes and reads the cookie's value; every process of a deployment reads the same."""

    def fingerprint(self, digest: str) -> str:
        """Return the keyed hash of a key's digest."""
        ...

    def text(self, session: ConsoleSession) -> str:
        """Return the signed value: characters that a cookie takes (RFC 6265, 4.1.1)."""
        ...

    def read(self, text: str) -> ConsoleSession | None:
        """Return what was signed; None if this text was not."""
        ...
