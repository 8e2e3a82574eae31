"""The load that one process puts on a receiver of webhooks."""

from __future__ import annotations

import asyncio
from typing import Final

import attrs

from domain.webhooks.delivery import Attempt

_SLOW_MS: Final = 2000


@attrs.define
class Receiver:
    """What a process does for one webhook: ``lanes`` that it has claimed, and requests."""

    places: asyncio.Semaphore
    lanes: int = 0
    is_slow: bool = False

    def note(self, attempt: Attempt) -> None:
        """Note whether the latest attempt failed or was slow."""
        self.is_slow = not attempt.has_succeeded or attempt.duration_ms > _SLOW_MS
