"""What sweeps of the store have seen, and the port that keeps it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

import attrs


@attrs.frozen
class SweepPosition:
    """The id of a ledger, and how many sweeps it has begun.

    Both the ledger and the store have it: a ledger with fewer sweeps than the store has seen was
    restored from an older state.
    """

    ledger: str
    number: int


@attrs.frozen
class OrphanNote:
    """When an object was first seen that no recording has: the time, and the sweep's number."""

    first_seen_at: datetime
    first_sweep: int


class SweepNotes(Protocol):
    """The ledger's side of sweeps. Each method raises ``StorageUnavailable``."""

    async def position(self) -> SweepPosition | None:
        """Return where the ledger is; None before its first sweep."""
        ...

    async def begin(self, position: SweepPosition) -> None:
        """Store the position, durable."""
        ...

    async def note(
        self, keys: Collection[str], sweep: int, at: datetime
    ) -> Mapping[str, OrphanNote]:
        """Note that ``sweep`` saw these orphans at ``at``; return what is noted of each."""
        ...

    async def forget(self, keys: Collection[str]) -> None:
        """Drop the notes of these objects."""
        ...

    async def forget_unseen(self, sweep: int) -> None:
        """Drop the notes of what ``sweep`` has not seen."""
        ...
