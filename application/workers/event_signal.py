"""Waking all who wait for the same thing in this process."""

from __future__ import annotations

import asyncio
from datetime import timedelta


class EventSignal:
    """Wakes everyone who waits, such as the readers of the outbox once events were appended.

    Other processes' events are found by looking again after some time.
    """

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._count = 0

    @property
    def count(self) -> int:
        """How often it was rung. Read it before the outbox: see :meth:`wait`."""
        return self._count

    def ring(self) -> None:
        """Wake all who wait."""
        self._count += 1
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, count: int, patience: timedelta) -> None:
        """Return once it was rung more often than ``count``, or after ``patience``."""
        if self._count != count:
            return
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return
