"""Time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The service's time, a stopwatch, and waiting."""

    def now(self) -> datetime:
        """The ledger's time, the same on every replica: aware, UTC, truncated to milliseconds.

        For what is stored. It may step when the ledger's own clock is set.
        """
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment, for time-outs and caches. It never steps.

        It goes on while the process is stopped and while the machine is suspended.
        """
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return after ``duration``."""
        ...


class ServiceClock(Clock, Protocol):
    """A clock that is set by the ledger's."""

    def set(self, reading: datetime | None, sent: float, received: float) -> None:
        """Follow the ledger's clock, which showed ``reading`` at some time in between.

        ``sent`` and ``received`` are :meth:`monotonic` before and after the request. None means
        that the machine's clock is the ledger's.
        """
        ...
