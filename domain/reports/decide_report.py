"""What becomes of a report that comes, given what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from domain.access.access import SYSTEM
from domain.recordings.recording import may_record
from domain.reports.contents import ReportWork
from domain.reports.find_session import call_of, find_session
from domain.reports.header import ReportHeader
from domain.reports.one_report import same_report, under_its_job
from domain.reports.report import Part, Report
from domain.sessions.session import Session
from domain.shared.clock import Clock
from domain.shared.identifiers import RecordingId, SessionId
from domain.shared.ids import IdGenerator
from domain.transcripts.item import TranscriptItem


@attrs.frozen(kw_only=True)
class Audio:
    """Audio that is in the store; ``size`` in bytes."""

    id: RecordingId
    key: str
    size: int


@attrs.frozen(kw_only=True)
class NewReport:
    """What came, as far as it could be read. ``session``: whose it is, where that is known.

    ``is_final``: nothing follows. Otherwise only items have come, of a session that goes on.
    """

    header: ReportHeader
    items: Sequence[TranscriptItem] = ()
    transcript: Part = Part.ABSENT
    audio: Audio | None = None
    audio_part: Part = Part.ABSENT
    session: Session | None = None
    is_final: bool = True


@attrs.frozen(kw_only=True)
class Decided:
    """What becomes of a report: ``report`` replaces ``earlier``. ``audio`` is what is kept.

    ``is_known``: what it says was posted, too, and is kept and announced already.
    """

    earlier: Report | None
    before: Report
    report: Report
    audio: Audio | None
    changes: bool
    is_known: bool = False


@attrs.frozen(kw_only=True)
class DecideReport:
    """Reads what there is of a report and of its session."""

    clock: Clock
    ids: IdGenerator

    def draft(self, header: ReportHeader) -> Report:
        """Return a report that is neither stored nor matched."""
        now = self.clock.now()
        return Report(
            id=self.ids.report_id(),
            room_sid=header.room_sid,
            job_id=header.job_id,
            room_name=header.room_name,
            summary=header.summary_text,
            received_at=now,
        )

    async def __call__(self, work: ReportWork, new: NewReport) -> Decided:
        """Return what becomes of the report once the unit commits."""
        earlier = await work.reports.of_job(new.header.room_sid, new.header.job_id)
        now = self.clock.now()
        before = earlier or self.draft(new.header)
        known = before.meant_for if new.session is None else new.session.id
        session = await self._session_of(work, before, known, now)
        if session is None and known is not None:  # deleted, as what the report brought was
            return Decided(earlier=earlier, before=before, report=before, audio=None, changes=False)
        if earlier is None and session is not None:
            reports = await work.reports.of_session(session.id)
            earlier = same_report(reports, new.header, session)
            before = before if earlier is None else under_its_job(earlier, new.header, session)
        audio = new.audio if before.audio is not Part.KEPT else None
        audio_part = new.audio_part
        if audio is not None and session is not None and not may_record(session):
            audio, audio_part = None, Part.DROPPED
        # What is there unmatched, and its contents, are left to be matched together.
        report = await self._placed(work, before, session, now) if before.is_coming else before
        if new.is_final:
            report = report.completed(now, new.header, new.transcript, audio_part)
        elif report.transcript is Part.PARTIAL:  # its worker goes on
            report = attrs.evolve(report, transcript=Part.ABSENT)
        changes = report != earlier or (new.session is not None and bool(new.items))
        return Decided(
            earlier=earlier,
            before=before,
            report=report,
            audio=audio,
            changes=changes,
            is_known=await self._is_known(work, earlier, new, session),
        )

    async def _is_known(
        self, work: ReportWork, earlier: Report | None, new: NewReport, session: Session | None
    ) -> bool:
        """Return whether the upload of a stored report repeats one that was posted."""
        if session is None or earlier is None or earlier.is_complete or not new.header.room_sid:
            return False
        reports = await work.reports.of_session(session.id)
        others = [report for report in reports if report.id != earlier.id]
        posted = same_report(others, new.header, session)
        return posted is not None and posted.is_complete

    async def _session_of(
        self, work: ReportWork, report: Report, known: SessionId | None, now: datetime
    ) -> Session | None:
        if known is not None:
            return await work.sessions.get(known, SYSTEM)
        return await find_session(work, report, now)

    async def _placed(
        self, work: ReportWork, report: Report, session: Session | None, now: datetime
    ) -> Report:
        if session is None:
            return report.tried(now)
        return report.matched(session.id, await call_of(work, session), session.tenant)
