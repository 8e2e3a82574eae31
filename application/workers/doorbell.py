"""Waking a worker that waits for work."""

from __future__ import annotations

import asyncio
from datetime import timedelta


class Doorbell:
    """Rung by whoever has brought work, within one process."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Let whoever waits look for work; whoever is about to wait will not."""
        self._rung.set()

    async def wait(self, patience: timedelta) -> None:
        """Return once it is rung, or after ``patience``."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()
