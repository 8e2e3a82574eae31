"""The machine's clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import attrs


@attrs.frozen
class SystemClock:
    """Implements :class:`domain.ports.clock.Clock`."""

    def now(self) -> datetime:
        """The current time: aware, UTC, truncated to milliseconds."""
        return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)

    async def sleep(self, duration: timedelta) -> None:
        """Return after ``duration``."""
        await asyncio.sleep(duration.total_seconds())
