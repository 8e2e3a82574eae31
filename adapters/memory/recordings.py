"""The ledger's recordings as dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, MutableMapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

import attrs

from adapters.memory.capability import Capability, Mentions
from adapters.memory.layers import held_by, layer_over
from adapters.memory.session_table import SessionTable
from domain.access.access import Access
from domain.privacy.data_subject import DataSubject
from domain.recordings.recording import Recording
from domain.shared.errors import Conflict
from domain.shared.identifiers import CallId, RecordingId, ReportId, SessionId
from domain.shared.pagination import Cursor
from domain.shared.reported import Reported


@attrs.frozen(eq=False)
class RecordingTable(Capability):
    """Implements :class:`domain.recordings.repository.Recordings` with the recordings by id."""

    counted_as: ClassVar[str] = "recordings"
    quotes_ids: ClassVar[bool] = True

    sessions: SessionTable
    by_id: MutableMapping[RecordingId, Recording] = attrs.field(factory=dict)

    def layer(self) -> RecordingTable:
        """Return a table that shows this one's content and keeps what is put into it to itself."""
        return RecordingTable(self.sessions, layer_over(self.by_id))

    def merge_into(self, below: RecordingTable) -> None:
        """Put what this layer holds into the table ``below`` it."""
        below.by_id.update(held_by(self.by_id))

    def put(self, recording: Recording, replaces: int | None) -> None:
        """Store it in place of version ``replaces``, or raise ``Conflict``."""
        stored = self.by_id.get(recording.id)
        if (None if stored is None else stored.version) != replaces:
            raise Conflict(f"Recording {recording.id} has changed.")
        for other in self.by_id.values():
            if other.id == recording.id:
                continue
            if other.key == recording.key:
                raise Conflict("Another recording has this object.")
            same = other.reported.session_id == recording.reported.session_id
            if same and other.is_running and recording.is_running:
                raise Conflict("An egress records this session.")
        self.by_id[recording.id] = recording

    async def mark_old(self, before: datetime, at: datetime) -> int:
        """Mark what was created before then."""
        return self._mark((one for one in self.by_id.values() if one.created_at < before), at)

    async def mark_ownerless(self, unmatched_before: datetime, at: datetime) -> int:
        """Mark the recordings of sessions that the ledger no longer has."""

        def is_ownerless(one: Recording) -> bool:
            if one.reported.session_id is None:
                return one.created_at < unmatched_before
            return one.reported.session_id not in self.sessions.by_id

        return self._mark(filter(is_ownerless, self.by_id.values()), at)

    def _mark(self, found: Iterable[Recording], at: datetime) -> int:
        kept = [one for one in found if one.erased_at is None and not one.is_running]
        for one in kept:
            self.by_id[one.id] = one.erased(at).stored()
        return len(kept)

    async def marked(self, limit: int) -> Sequence[Recording]:
        """Return recordings that are marked as erased, the oldest first."""
        found = [(one.erased_at, one.id.value, one) for one in self.by_id.values() if one.erased_at]
        return [one for _, _, one in sorted(found, key=lambda entry: entry[:2])[:limit]]

    async def remove(self, recording_id: RecordingId) -> None:
        """Delete a marked recording."""
        if (found := self.by_id.get(recording_id)) is not None and found.erased_at is not None:
            del self.by_id[recording_id]

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:
        """Return the recordings of reports, sessions and calls with these ids."""
        return {
            one.id: False
            for one in self.by_id.values()
            if _owners(one) & {*ids} or person.is_in(one.error)
        }

    def erase(self, keys: Collection[RecordingId]) -> None:
        """Mark recordings, whose objects are deleted before they are."""
        for key in keys:
            one = attrs.evolve(self.by_id[key], error=None)
            self.by_id[key] = one.erased(datetime.now(UTC)).stored()


def _owners(recording: Recording) -> set[str]:
    reported = recording.reported
    ids = (reported.report_id, reported.session_id, reported.call_id)
    return {str(owner) for owner in ids if owner is not None}


class MemoryRecordings:
    """Implements :class:`domain.recordings.repository.RecordingRepository`."""

    def __init__(self, committed: RecordingTable) -> None:
        self._committed = committed
        self.forget()

    def forget(self) -> None:
        """Drop the changes."""
        self._changes: list[tuple[Recording, int | None]] = []
        self._seen = layer_over(self._committed.by_id)

    def prepared(self) -> Callable[[], None]:
        """Return what stores the changes. Raises :class:`~domain.shared.errors.Conflict`."""
        layer = self._committed.layer()
        for recording, replaces in self._changes:
            layer.put(recording, replaces)
        return partial(layer.merge_into, self._committed)

    async def keep(self, recording: Recording) -> None:
        """Store a new recording; a conflict surfaces at commit."""
        self._changes.append((recording, None))
        self._seen[recording.id] = recording

    async def save(self, recording: Recording) -> Recording:
        """Store a change of a recording; a conflict surfaces at commit."""
        stored = recording.stored()
        self._changes.append((stored, recording.version))
        self._seen[recording.id] = stored
        return stored

    async def match(self, reported: Reported) -> Sequence[Recording]:
        """Give the recordings of a report their session, call and tenant."""
        return [
            one if one.reported == reported else await self.save(one.matched(reported))
            for one in await self.of_report(reported.report_id)
        ]

    async def get(self, recording_id: RecordingId, access: Access) -> Recording | None:
        """Return the recording with this id, if visible."""
        found = self._seen.get(recording_id)
        return found if found is not None and _is_visible(found, access) else None

    async def find(self, recording_id: RecordingId) -> Recording | None:
        """Return the recording with this id, whatever became of it."""
        return self._seen.get(recording_id)

    async def of_session(self, session_id: SessionId, access: Access) -> Sequence[Recording]:
        """Return the visible recordings of a session, the newest first."""
        return self._newest(lambda one: one.reported.session_id == session_id, access)

    async def of_call(self, call_id: CallId, access: Access) -> Sequence[Recording]:
        """Return the visible recordings of a call, the newest first."""
        return self._newest(lambda one: one.reported.call_id == call_id, access)

    def _newest(self, is_wanted: Callable[[Recording], bool], access: Access) -> list[Recording]:
        seen = (one for one in self._seen.values() if is_wanted(one) and _is_visible(one, access))
        return sorted(seen, key=lambda one: one.age, reverse=True)

    async def of_report(self, report_id: ReportId) -> Sequence[Recording]:
        """Return what a report brought."""
        return [one for one in self._seen.values() if one.reported.report_id == report_id]

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Recording]:
        """Return the newest ``limit`` visible recordings, of those older than ``after``."""
        end = None if after is None else (after.created_at, after.id)
        return self._newest(lambda one: end is None or one.age < end, access)[:limit]

    async def unsettled(self, limit: int) -> Sequence[Recording]:
        """Return committed recordings whose egress has not ended, the oldest first."""
        running = (one for one in self._committed.by_id.values() if one.is_running)
        return sorted(running, key=lambda one: one.age)[:limit]

    async def known_keys(self, keys: Collection[str]) -> set[str]:
        """Return those of ``keys`` that a committed recording has."""
        return {one.key for one in self._committed.by_id.values()} & {*keys}


def _is_visible(recording: Recording, access: Access) -> bool:
    return recording.is_shown and access.sees(recording.tenant)
