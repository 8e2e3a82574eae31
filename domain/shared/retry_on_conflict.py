"""Retry while another request holds a session's dispatch claim."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import attrs

from domain.shared.clock import Clock
from domain.shared.errors import ClaimHeld, Conflict, SessionBusy
from domain.shared.identifiers import RoomName

Result = TypeVar("Result")


@attrs.frozen(kw_only=True)
class RetryOnConflict:
    """Repeats an attempt that meets another request's claim or loses a race to it.

    ``patience`` is how long in all, ``poll`` how long between attempts.
    """

    clock: Clock
    patience: timedelta = timedelta(seconds=30)
    poll: timedelta = timedelta(milliseconds=50)

    async def take(self, room_name: RoomName, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Return the result of ``attempt`` once no request conflicts. Raises ``SessionBusy``."""
        deadline = self.clock.monotonic() + self.patience.total_seconds()
        while True:
            try:
                return await attempt()
            except (ClaimHeld, Conflict):
                if self.clock.monotonic() >= deadline:
                    raise SessionBusy(
                        f"The session in room '{room_name}' is still being started or ended "
                        "by another request; try again in a few seconds."
                    ) from None
            await self.clock.sleep(self.poll)
