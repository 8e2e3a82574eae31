"""What is in the ledger at a moment, in numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Census:
    """``pending_since`` is when the oldest event came in that is not handled yet."""

    live_sessions: int
    live_calls: int
    pending_events: int
    pending_since: datetime | None
    dead_events: int


class Censor(Protocol):
    """Counts."""

    async def census(self) -> Census:
        """The numbers. Raises ``StorageUnavailable``."""
        ...
