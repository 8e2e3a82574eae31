"""The port to the ledger's recordings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from domain.access.access import Access
from domain.calls.repository import CallWork
from domain.events.outbox import EventWork
from domain.recordings.recording import Recording
from domain.shared.identifiers import CallId, RecordingId, ReportId, SessionId
from domain.shared.pagination import Cursor
from domain.shared.reported import Reported


class RecordingRepository(Protocol):
    """The ledger's recordings. Every method raises ``StorageUnavailable`` when storage fails.

    What an ``Access`` is given for shows no recording whose session is not known, and none that is
    erased.
    """

    async def keep(self, recording: Recording) -> None:
        """Store a new recording.

        Raises :class:`~domain.shared.errors.Conflict`, here or at commit, if its id or its key is
        taken, or an egress records its session already.
        """
        ...

    async def save(self, recording: Recording) -> Recording:
        """Store a change of a recording that was read at ``recording.version``.

        Returns it as the next reader sees it. Raises :class:`~domain.shared.errors.Conflict`, here
        or at commit, if it has changed since.
        """
        ...

    async def match(self, reported: Reported) -> Sequence[Recording]:
        """Give the recordings of a report their session, call and tenant; return them."""
        ...

    async def get(self, recording_id: RecordingId, access: Access) -> Recording | None:
        """Return the recording with this id if it is visible."""
        ...

    async def of_session(self, session_id: SessionId, access: Access) -> Sequence[Recording]:
        """Return the visible recordings of a session, the newest first."""
        ...

    async def of_call(self, call_id: CallId, access: Access) -> Sequence[Recording]:
        """Return the visible recordings of a call, the newest first."""
        ...

    async def of_report(self, report_id: ReportId) -> Sequence[Recording]:
        """Return what a report brought, whether its session is known or not."""
        ...

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[Recording]:
        """Return the newest ``limit`` visible recordings, of those older than ``after``.

        Shows what is committed only.
        """
        ...

    async def find(self, recording_id: RecordingId) -> Recording | None:
        """Return the recording with this id, whatever became of it."""
        ...

    async def unsettled(self, limit: int) -> Sequence[Recording]:
        """Return committed recordings whose egress has not ended, the oldest first."""
        ...

    async def known_keys(self, keys: Collection[str]) -> set[str]:
        """Return those of ``keys`` that a committed recording has."""
        ...


class Recordings(Protocol):
    """What is done with many recordings at once, each part in a transaction of its own.

    Every method raises ``StorageUnavailable`` when storage fails.
    """

    async def mark_old(self, before: datetime, at: datetime) -> int:
        """Mark as erased what was created before then and is not being made; return how many."""
        ...

    async def mark_ownerless(self, unmatched_before: datetime, at: datetime) -> int:
        """Mark as erased the recordings of sessions that the ledger no longer has.

        So are those whose session is unknown, if they were created before ``unmatched_before``.
        """
        ...

    async def marked(self, limit: int) -> Sequence[Recording]:
        """Return recordings that are marked as erased, the oldest first."""
        ...

    async def remove(self, recording_id: RecordingId) -> None:
        """Delete the row of a marked recording, whose object is deleted."""
        ...


class RecordingWork(CallWork, EventWork, Protocol):
    """A transaction on recordings, calls and sessions."""

    @property
    def recordings(self) -> RecordingRepository:
        """Return the recordings as this transaction sees them."""
        ...
