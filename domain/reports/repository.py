"""The port to stored reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.reports.report import Report
from domain.shared.identifiers import ReportId, SessionId


class ReportRepository(Protocol):
    """Workers' reports. They show no tenant's data: the service reads them on its own behalf.

    Every method raises ``StorageUnavailable`` when storage fails.
    """

    async def add(self, report: Report) -> None:
        """Store a new report.

        Raises :class:`~domain.shared.errors.Conflict`, here or at commit, if there is one of this
        job in this room.
        """
        ...

    async def save(self, report: Report) -> None:
        """Store a change of a report that was read at ``report.version``.

        Raises :class:`~domain.shared.errors.Conflict`, here or at commit, if it has changed since.
        """
        ...

    async def of_job(self, room_sid: str, job_id: str) -> Report | None:
        """Return the report of this job in this room instance."""
        ...

    async def of_session(self, session_id: SessionId) -> Sequence[Report]:
        """Return the session's reports, the oldest first.

        Raises :class:`~domain.shared.errors.Conflict` at commit if the session has got another one
        since, which this unit has not stored: what was decided on these is decided anew.
        """
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Report]:
        """Return unmatched reports whose next attempt is due, the longest due first."""
        ...

    async def get(self, report_id: ReportId) -> Report | None:
        """Return the report with this id."""
        ...
