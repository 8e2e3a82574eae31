"""Time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """The current time: aware, UTC, truncated to milliseconds."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return after ``duration``."""
        ...
