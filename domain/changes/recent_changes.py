"""The port that finds what has changed lately."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from domain.changes.change import Area, Change, Room


class RecentChanges(Protocol):
    """Reads the ledger by its indexes; each method raises ``StorageUnavailable``."""

    async def since(self, area: Area, at: datetime, limit: int) -> Sequence[Change]:
        """Return the oldest ``limit`` changes of an area at ``at`` or later, by their time.

        Of API keys, deliveries or the inbox. A delivery that was not attempted yet has none.
        """
        ...

    async def owners(self, rooms: Collection[Room]) -> frozenset[str | None]:
        """Return the tenants of the sessions and calls that these rooms serve, or served."""
        ...
