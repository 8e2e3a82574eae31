"""Delete objects of the store that no recording has.

An upload that was interrupted, or whose recording was never committed, leaves an object behind. But
a ledger that was restored from a backup does not know the recordings made since, whose objects look
the same. So an object is deleted only if it was seen without a recording in two sweeps that are at
least a day apart, by the clock and by the number of sweeps, in a ledger that has not been restored
in between. The store has a marker with the ledger's id and the number of its last sweep: a ledger
with another id, or a smaller number, deletes nothing until an operator confirms it. One with
another id leaves a second marker besides, which says that several ledgers use the store: then the
first one, to which the others' objects look like orphans, deletes nothing either.

A process that is killed leaves what it was writing, also of a marker: that is an orphan like the
others. Objects with any other key belong to others, and are not looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Final

import attrs

from domain.recordings.recording import is_of_recordings
from domain.recordings.repository import RecordingWork
from domain.recordings.store import RecordingStore, StoredObject
from domain.recordings.sweep_notes import SweepNotes, SweepPosition
from domain.shared.clock import Clock
from domain.shared.errors import NotFound
from domain.shared.ids import IdGenerator
from domain.shared.unit_of_work import UnitOfWorkFactory

MARKER: Final = "ledger.json"
CONTESTED: Final = "contested.json"
SWEPT_EVERY: Final = timedelta(hours=1)
ORPHANED_FOR: Final = timedelta(days=1)
ORPHANED_SWEEPS: Final = ORPHANED_FOR // SWEPT_EVERY
MOST_DELETED: Final = 1000
"""Objects that one sweep deletes."""

_LEFT_BY_A_KILL: Final = re.compile(
    r"(ledger|contested)\.json\.[0-9a-f]{32}\.part|check-[0-9a-f]{32}(\.[0-9a-f]{32}\.part)?"
)
"""A marker on its way into a folder, and what checks whether the store can be used."""
_HELD: Final = (
    "The store was swept by another ledger, or by a later state of this one: nothing without a "
    "recording is deleted. If this ledger is the right one, run `backend recordings confirm`."
)
_IS_SHARED: Final = (
    "Another ledger uses the store, too: nothing without a recording is deleted. Give each "
    "deployment a folder or a prefix of its own (RECORDINGS_URL). If there is no other one any "
    "more, run `backend recordings confirm`."
)
_LONGEST_MARKER: Final = 1000


@attrs.frozen
class Swept:
    """What a sweep found: orphans, and how many of them it deleted. ``held`` says why none."""

    orphans: int = 0
    deleted: int = 0
    held: str | None = None


@attrs.frozen(kw_only=True)
class SweepStore:
    """Sweep the store; one process does so at a time."""

    unit_of_work: UnitOfWorkFactory[RecordingWork]
    notes: SweepNotes
    store: RecordingStore
    clock: Clock
    ids: IdGenerator

    async def __call__(self) -> Swept:
        """Sweep once. Raises ``RecordingStoreUnavailable`` or ``StorageUnavailable``."""
        position, marker = await self.notes.position(), await self._marker()
        if position is None:
            position = SweepPosition(str(self.ids.recording_id()), 0)
        if marker is not None and marker.ledger != position.ledger:
            await self.store.put(CONTESTED, _one(_text(position)), "application/json")
            return Swept(held=_HELD)
        if marker is not None and marker.number > position.number:
            return Swept(held=_HELD)
        if await self.store.size(CONTESTED) is not None:
            return Swept(held=_IS_SHARED)
        position = attrs.evolve(position, number=position.number + 1)
        await self._move(position)
        return await self._sweep(position.number)

    async def confirm(self) -> None:
        """Take the ledger for the right one; every orphan has another day from now on."""
        position, marker = await self.notes.position(), await self._marker()
        ledger = str(self.ids.recording_id()) if position is None else position.ledger
        numbers = [each.number for each in (position, marker) if each is not None]
        await self.notes.forget_unseen(max(numbers, default=0) + 1)
        await self.store.delete(CONTESTED)
        await self._move(SweepPosition(ledger, max(numbers, default=0) + 1))

    async def _move(self, position: SweepPosition) -> None:
        """Store the position in the ledger first: cut short, the store's is the smaller one."""
        await self.notes.begin(position)
        await self.store.put(MARKER, _one(_text(position)), "application/json")

    async def _sweep(self, number: int) -> Swept:
        orphans = deleted = 0
        async for found in self.store.list():
            unknown = await self._unknown(found)
            notes = await self.notes.note(unknown, number, self.clock.now())
            orphans += len(notes)
            now = self.clock.now()
            due = [
                key
                for key, note in notes.items()
                if now - note.first_seen_at >= ORPHANED_FOR
                and number - note.first_sweep >= ORPHANED_SWEEPS
            ]
            for key in due[: MOST_DELETED - deleted]:
                await self.store.delete(key)
                await self.notes.forget([key])
                deleted += 1
        await self.notes.forget_unseen(number)
        return Swept(orphans, deleted)

    async def _unknown(self, found: Sequence[StoredObject]) -> set[str]:
        keys = {each.key for each in found if _may_be_deleted(each.key)}
        async with self.unit_of_work() as work:
            return keys - await work.recordings.known_keys(keys)

    async def _marker(self) -> SweepPosition | None:
        """Return what the store says of its ledger; one that cannot be read fits none."""
        size = await self.store.size(MARKER)
        if size is None:
            return None
        try:
            end = min(size, _LONGEST_MARKER)
            text = b"".join([chunk async for chunk in self.store.get(MARKER, 0, end)])
            fields = json.loads(text)
            return SweepPosition(str(fields["ledger"]), int(fields["sweep"]))
        except NotFound:
            return None
        except (ValueError, TypeError, KeyError, RecursionError):
            return SweepPosition("", 0)


def _may_be_deleted(key: str) -> bool:
    return is_of_recordings(key) or _LEFT_BY_A_KILL.fullmatch(key) is not None


def _text(position: SweepPosition) -> bytes:
    return json.dumps({"ledger": position.ledger, "sweep": position.number}).encode()


async def _one(text: bytes) -> AsyncIterator[bytes]:
    yield text
