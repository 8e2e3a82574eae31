"""The right to do what only one process may do at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Leases(Protocol):
    """Named leases. Each method is atomic and raises ``StorageUnavailable`` when storage fails."""

    async def acquire(
        self, name: str, holder: str, now: datetime, until: datetime, longest: timedelta
    ) -> bool:
        """Take or prolong ``name`` until then; False while another holder's lease runs.

        One that runs for more than ``longest`` from now was set before the clock was set back, and
        is over.
        """
        ...

    async def release(self, name: str, holder: str, free_at: datetime) -> None:
        """Free the lease ``name`` from ``free_at`` on, if ``holder`` still has it."""
        ...
