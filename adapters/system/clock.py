"""The machine's clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import attrs


@attrs.frozen
class SystemClock:
    """Implements :class:`domain.ports.clock.Clock`."""

    def now(self) -> datetime:
        """The current time: aware, UTC, truncated to milliseconds."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def sleep(self, duration: timedelta) -> None:
        """Return after ``duration``."""
        await asyncio.sleep(duration.total_seconds())
