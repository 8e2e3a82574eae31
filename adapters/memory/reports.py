"""Workers' reports as a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar, Final

import attrs

from adapters.memory.capability import Capability, Mentions
from adapters.memory.session_table import SessionTable
from domain.privacy.data_subject import DataSubject
from domain.reports.report import Report
from domain.shared.errors import Conflict
from domain.shared.identifiers import ReportId, SessionId

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@attrs.frozen(eq=False)
class ReportTable(Capability):
    """The committed reports by id."""

    counted_as: ClassVar[str] = "reports"

    sessions: SessionTable

    by_id: dict[ReportId, Report] = attrs.field(factory=dict)

    def of_job(self, room_sid: str, job_id: str) -> Report | None:
        """Return the report of this job in this room instance."""
        job = room_sid, job_id
        found = (each for each in self.by_id.values() if (each.room_sid, each.job_id) == job)
        return next(found, None)

    def of_session(self, session_id: SessionId) -> Sequence[Report]:
        """Return the session's reports, the oldest first."""
        found = [each for each in self.by_id.values() if each.session_id == session_id]
        return sorted(found, key=lambda report: (report.received_at, report.id.value))

    def prune(self, before: datetime) -> Collection[ReportId]:
        """Delete reports of no session that came before then; return them."""
        old = [
            report.id
            for report in self.by_id.values()
            if report.session_id not in self.sessions.by_id and report.received_at < before
        ]
        self.erase(old)
        return old

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:  # noqa: ARG002
        """Return the reports that mention the person."""
        return {
            report.id: False
            for report in self.by_id.values()
            if person.is_in(report.room_name) or person.is_in_answer(report.summary)
        }

    def erase(self, keys: Collection[ReportId]) -> None:
        """Delete reports."""
        for key in keys:
            del self.by_id[key]


class MemoryReports:
    """Implements :class:`domain.reports.repository.ReportRepository`."""

    def __init__(self, committed: ReportTable) -> None:
        self._committed = committed
        self.forget()

    def forget(self) -> None:
        """Drop the changes."""
        self._changes: list[tuple[Report, int | None]] = []
        self._known: dict[SessionId, set[ReportId]] = {}

    def prepared(self) -> Callable[[], None]:
        """Return what stores the changes. Raises :class:`~domain.shared.errors.Conflict`."""
        new: dict[ReportId, Report] = {}
        for session_id, known in self._known.items():
            if known != {report.id for report in self._committed.of_session(session_id)}:
                raise Conflict("The session has got another report.")
        for report, replaces in self._changes:
            stored = self._committed.by_id.get(report.id)
            if (None if stored is None else stored.version) != replaces:
                raise Conflict("The report has changed.")
            of_job = self._committed.of_job(report.room_sid, report.job_id)
            if of_job is not None and of_job.id != report.id:
                raise Conflict("There is a report of this job.")
            new[report.id] = report
        return partial(self._committed.by_id.update, new)

    async def add(self, report: Report) -> None:
        """Store a new report; a conflict surfaces at commit."""
        self._changes.append((report, None))

    async def save(self, report: Report) -> None:
        """Store a change of a report; a conflict surfaces at commit."""
        self._changes.append((report.stored(), report.version))

    async def get(self, report_id: ReportId) -> Report | None:
        """Return the committed report with this id."""
        return self._committed.by_id.get(report_id)

    async def of_job(self, room_sid: str, job_id: str) -> Report | None:
        """Return the committed report of this job in this room instance."""
        return self._committed.of_job(room_sid, job_id)

    async def of_session(self, session_id: SessionId) -> Sequence[Report]:
        """Return the session's committed reports, the oldest first; one more is a conflict."""
        found = self._committed.of_session(session_id)
        self._known[session_id] = {report.id for report in found}
        return found

    async def due(self, now: datetime, limit: int) -> Sequence[Report]:
        """Return unmatched reports whose next attempt is due, the longest due first."""
        found = [
            report
            for report in self._committed.by_id.values()
            if report.session_id is None and (report.retry_at or _NEVER) <= now
        ]
        return sorted(found, key=lambda report: report.retry_at or _NEVER)[:limit]
