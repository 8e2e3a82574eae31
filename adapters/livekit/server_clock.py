"""The LiveKit server's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import attrs

_TIMEOUT: Final = aiohttp.ClientTimeout(total=5)


@attrs.frozen
class LiveKitServerClock:
    """Implements :class:`domain.diagnosis.ports.ServerClock`, by the ``Date`` header."""

    url: str

    async def time(self) -> datetime | None:
        """Return the server's time, to a second; None if it does not say, or does not answer."""
        url = self.url.replace("ws", "http", 1) if self.url.startswith("ws") else self.url
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                date = response.headers.get("Date", "")
            return parsedate_to_datetime(date).astimezone(UTC)
        except (aiohttp.ClientError, TimeoutError, ValueError, OverflowError):
            return None
