"""The transaction that keeps a report and all that it brings."""

from __future__ import annotations

from typing import Protocol

from domain.events.outbox import EventWork
from domain.recordings.repository import RecordingWork
from domain.reports.repository import ReportRepository
from domain.transcripts.repository import TranscriptWork
from domain.usage.repository import UsageWork


class ReportWork(RecordingWork, TranscriptWork, UsageWork, EventWork, Protocol):
    """A transaction on reports, transcripts, usage, recordings, and the events of these."""

    @property
    def reports(self) -> ReportRepository:
        """Return the reports as this transaction sees them."""
        ...
