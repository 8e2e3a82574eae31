"""Waking a worker that waits for work."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

CROWD: Final = 3
_MOMENTS_SECONDS: Final = 0.1


class InboxSignal:
    """Implements :class:`domain.inbox.signal.InboxSignal`."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._arriving = 0
        self._crowded_at = -math.inf

    @contextmanager
    def arrival(self) -> Iterator[None]:
        """Count one arriving request for the length of the block."""
        self._arriving += 1
        if self._arriving >= CROWD:
            self._crowded_at = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self._arriving -= 1

    @property
    def is_crowded(self) -> bool:
        """Whether a crowd arrives at the same time, or has within the last moments."""
        recently = asyncio.get_running_loop().time() - self._crowded_at < _MOMENTS_SECONDS
        return recently or self._arriving >= CROWD

    def ring(self) -> None:
        """Wake the waiting worker; the next wait returns at once."""
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
