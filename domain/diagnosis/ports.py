"""The ports that only the diagnosis needs."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class ServerClock(Protocol):
    """The LiveKit server's clock."""

    async def time(self) -> datetime | None:
        """Return its time, to a second; None if it does not say, or does not answer."""
        ...


class WebhookTarget(Protocol):
    """Sends webhooks as LiveKit signs them."""

    async def problem(self, url: str) -> str | None:
        """Return why a signed webhook is not accepted at ``url``; None if it is.

        The event is of a kind that the service stores and ignores.
        """
        ...
