"""The ledger's time, carried on by the machine's monotonic clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

STEP_SECONDS: Final = 1.0
"""A correction that is larger is a step; a smaller one never moves the time back."""

LASTING_SECONDS: Final = 60.0
"""How long a step of the machine's clock must have lasted before it is followed.

One that is undone, or that has set a right clock wrong, changes nothing until then. (A database
server's is followed at once, as the other replicas do.)
"""


def boot_time() -> float:
    """Seconds since the machine started, including those of its suspension (Linux), or since then.

    clock_gettime(2), CLOCK_BOOTTIME.
    """
    identifier = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if identifier is None else time.clock_gettime(identifier)


@attrs.define
class SystemClock:
    """Implements :class:`domain.shared.clock.ServiceClock`.

    Follows the machine's clock until it is first set. Between two readings a step of the machine's
    clock moves nothing, and where that clock is the ledger's, nothing for ``LASTING_SECONDS``.
    """

    machine: Callable[[], float] = time.time
    stopwatch: Callable[[], float] = boot_time
    _epoch: float = attrs.field(init=False)
    _latest: float = attrs.field(default=0.0, init=False)
    _step: tuple[float, float] | None = attrs.field(default=None, init=False)

    @_epoch.default
    def _machines_epoch(self) -> float:
        return self.machine() - self.stopwatch()

    def now(self) -> datetime:
        """The ledger's time: aware, UTC, truncated to milliseconds."""
        return datetime.fromtimestamp(int(self.timestamp() * 1000) / 1000, UTC)

    def timestamp(self) -> float:
        """The same as Unix time."""
        self._latest = max(self._latest, self._epoch + self.stopwatch())
        return self._latest

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never steps."""
        return self.stopwatch()

    async def sleep(self, duration: timedelta) -> None:
        """Return after ``duration``."""
        await asyncio.sleep(duration.total_seconds())

    def set(self, reading: datetime | None, sent: float, received: float) -> None:
        """Follow the ledger's clock, which showed ``reading`` at some time in between."""
        shown = self.machine() if reading is None else reading.timestamp()
        read_at = received if reading is None else (sent + received) / 2
        difference = shown - read_at - self._epoch
        if abs(difference) <= (received - sent) / 2:
            self._step = None
            return  # no more than the reading's own error
        if reading is None and not self._is_lasting(difference, received):
            return
        self._epoch += difference
        if difference < -STEP_SECONDS:
            self._latest = 0.0

    def _is_lasting(self, difference: float, at: float) -> bool:
        """Whether the machine's clock is to be followed."""
        if abs(difference) <= STEP_SECONDS:
            self._step = None
            return True
        if self._step is None or abs(self._step[0] - difference) > STEP_SECONDS:
            self._step = difference, at
        return at - self._step[1] >= LASTING_SECONDS
