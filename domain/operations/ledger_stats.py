"""What is in the ledger at a moment, in numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class LedgerStats:
    """``pending_since`` is when the oldest event came in that is not handled yet,
    ``deliveries_since`` when the oldest delivery was enqueued that no receiver has confirmed;
    ``failed_deliveries`` were set aside.

    ``problem`` is why nothing could be stored, though the rest could be counted; None if it could.
    """

    live_sessions: int
    live_calls: int
    pending_events: int
    pending_since: datetime | None
    dead_events: int
    pending_deliveries: int
    deliveries_since: datetime | None
    failed_deliveries: int
    problem: str | None = None


class StatsReader(Protocol):
    """Counts."""

    async def ledger_stats(self) -> LedgerStats:
        """The numbers. Raises ``StorageUnavailable``."""
        ...
