"""Waking a worker that waits for work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta


class Doorbell:
    """Implements :class:`domain.ports.doorbell.Doorbell`."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._arriving = 0
        self._most = 0

    @contextmanager
    def arrival(self) -> Iterator[None]:
        """Count somebody among those who arrive, for the length of the block."""
        self._arriving += 1
        self._most = max(self._most, self._arriving)
        try:
            yield
        finally:
            self._arriving -= 1

    def crowd(self) -> int:
        """How many have arrived at the same time at most, since this was last asked."""
        most, self._most = self._most, self._arriving
        return most

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
