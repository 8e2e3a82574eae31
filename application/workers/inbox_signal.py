"""Waking a worker that waits for work."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from domain.inbox.signal import News

CROWD: Final = 3
MOST_NEWS: Final = 1000
_MOMENTS_SECONDS: Final = 0.1


class InboxSignal:
    """Implements :class:`domain.inbox.signal.InboxSignal`."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._news: list[News] = []
        self._must_look = True
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

    def ring(self, news: News | None = None) -> None:
        """Wake the waiting worker, which looks for work unless there is ``news``."""
        if news is None or len(self._news) >= MOST_NEWS:
            self._must_look = True
        else:
            self._news.append(news)
        self.wake()

    def wake(self) -> None:
        """Wake the waiting worker; the next wait returns at once."""
        self._rung.set()

    def take(self) -> tuple[list[News], bool]:
        """Return the news since the last call, and whether the worker must look for work."""
        taken = self._news, self._must_look
        self._news, self._must_look = [], False
        return taken

    async def wait(self, patience: timedelta) -> None:
        """Return once it is rung, or after ``patience``."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()
