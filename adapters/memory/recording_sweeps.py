"""What sweeps have seen, in the process's memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from domain.recordings.sweep_notes import OrphanNote, SweepPosition


class MemorySweepNotes:
    """Implements :class:`domain.recordings.sweep_notes.SweepNotes`."""

    def __init__(self) -> None:
        self._position: SweepPosition | None = None
        self._notes: dict[str, OrphanNote] = {}
        self._last: dict[str, int] = {}

    async def position(self) -> SweepPosition | None:
        """Return where the ledger is."""
        return self._position

    async def begin(self, position: SweepPosition) -> None:
        """Store the position."""
        self._position = position

    async def note(
        self, keys: Collection[str], sweep: int, at: datetime
    ) -> Mapping[str, OrphanNote]:
        """Note that ``sweep`` saw these orphans."""
        for key in keys:
            self._notes.setdefault(key, OrphanNote(at, sweep))
            self._last[key] = sweep
        return {key: self._notes[key] for key in keys}

    async def forget(self, keys: Collection[str]) -> None:
        """Drop the notes of these objects."""
        for key in keys:
            self._notes.pop(key, None)
            self._last.pop(key, None)

    async def forget_unseen(self, sweep: int) -> None:
        """Drop the notes of what ``sweep`` has not seen."""
        await self.forget([key for key, last in self._last.items() if last < sweep])
