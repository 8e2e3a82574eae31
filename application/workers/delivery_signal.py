"""Waking the delivery worker."""

from __future__ import annotations

import asyncio
from datetime import timedelta


class DeliverySignal:
    """Implements :class:`domain.webhooks.delivery_signal.DeliverySignal`."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def wake(self) -> None:
        """Wake the waiting worker; the next wait returns at once."""
        self._rung.set()

    async def wait(self, patience: timedelta) -> None:
        """Return once it is woken, or after ``patience``."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()
