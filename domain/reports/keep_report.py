"""Keep a report with all that it brought: readers see all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.recordings.recording import Recording, RecordingSource, may_record
from domain.reports.announce import Announce
from domain.reports.contents import ReportWork
from domain.reports.find_session import call_of, find_session
from domain.reports.header import ReportHeader
from domain.reports.one_report import same_report, under_its_job
from domain.reports.report import Part, Report
from domain.reports.turns import latencies_of
from domain.sessions.session import Session
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.identifiers import RecordingId, SessionId
from domain.shared.ids import IdGenerator
from domain.shared.report_errors import ReportContended
from domain.shared.reported import Reported
from domain.shared.unit_of_work import UnitOfWorkFactory
from domain.transcripts.item import TranscriptItem
from domain.usage.read_summary import usage_of

AT_ONCE: Final = 250
"""Items that are stored with the rest of a report; on SQLite all other changes wait for them."""
PART: Final = 100
"""Items that each transaction before that one stores: there may be a thousand in a row."""
_ATTEMPTS: Final = 10
_PAUSE: Final = timedelta(milliseconds=20)


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
class Kept:
    """The report as it is stored. ``audio`` is what is in use of that which came with it."""

    report: Report
    audio: Audio | None


@attrs.frozen(kw_only=True)
class _Decided:
    """What becomes of a report: ``report`` replaces ``earlier``. ``audio`` is what is kept."""

    earlier: Report | None
    before: Report
    report: Report
    audio: Audio | None
    changes: bool


@attrs.frozen
class _Ahead:
    """The first of many items: how many are kept, and whose they are."""

    kept: int
    reported: Reported


@attrs.frozen(kw_only=True)
class KeepReport:
    """Stores a report once for each job in a room instance, whichever replica it reaches."""

    unit_of_work: UnitOfWorkFactory[ReportWork]
    announce: Announce
    clock: Clock
    ids: IdGenerator

    async def __call__(
        self, new: NewReport, before_commit: Callable[[], None] = lambda: None
    ) -> Kept:
        """Return once everything is durable.

        What the first complete report of a job brings is kept; a repetition changes nothing. What
        was not there before, such as audio or later items, is added. Raises ``StorageUnavailable``
        and ``ReportContended``. Once ``before_commit`` is called, a failure says nothing of whether
        it is durable.
        """
        for attempt in range(_ATTEMPTS):
            try:
                ahead = await self._keep_ahead(new, new.items[:-AT_ONCE])
                async with self.unit_of_work() as work:
                    return await self._kept(work, new, ahead, before_commit)
            except Conflict:  # another upload, a match, or the session's first webhook was quicker
                await self.clock.sleep((attempt + 1) * _PAUSE)
        raise ReportContended("Several uploads of this report came at once; send it again.")

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

    async def _keep_ahead(self, new: NewReport, items: Sequence[TranscriptItem]) -> _Ahead | None:
        """Store the first of many items, some at a time.

        They are not shown before the rest is there, as a new report is not matched until then. One
        that is matched has had items before it was complete, and these join them.
        """
        if not items:
            return None
        async with self.unit_of_work() as work:
            decided = await self._decide(work, new)
            if not decided.changes:
                return None
            if decided.earlier is None:
                await work.reports.add(decided.before)
                await work.commit()
        kept, reported = 0, decided.report.reported
        for begin in range(0, len(items), PART):
            async with self.unit_of_work() as work:
                kept += await work.transcripts.keep(reported, items[begin : begin + PART])
                await work.commit()
            await self.clock.sleep(timedelta())  # others have their turn, also in memory
        return _Ahead(kept, reported)

    async def _kept(
        self,
        work: ReportWork,
        new: NewReport,
        ahead: _Ahead | None,
        before_commit: Callable[[], None],
    ) -> Kept:
        decided = await self._decide(work, new)
        if not decided.changes:
            return Kept(report=decided.report, audio=None)
        is_ahead = ahead is not None and ahead.reported == decided.report.reported
        if len(new.items) > AT_ONCE and not is_ahead:
            raise Conflict("The report's session has become known.")
        if decided.earlier is None:
            await work.reports.add(decided.report)
        else:
            await work.reports.save(decided.report)
        last = new.items[-AT_ONCE:]
        count = await work.transcripts.keep(decided.report.reported, last)
        count += 0 if ahead is None else ahead.kept
        await self._keep_contents(work, new, decided, count)
        before_commit()
        await work.commit()
        return Kept(report=decided.report, audio=decided.audio)

    async def _decide(self, work: ReportWork, new: NewReport) -> _Decided:
        earlier = await work.reports.of_job(new.header.room_sid, new.header.job_id)
        now = self.clock.now()
        before = earlier or self.draft(new.header)
        known = before.session_id if new.session is None else new.session.id
        session = await self._session_of(work, before, known, now)
        if session is None and known is not None:  # deleted, as what the report brought was
            return _Decided(
                earlier=earlier, before=before, report=before, audio=None, changes=False
            )
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
        changes = report != earlier or (new.session is not None and bool(new.items))
        return _Decided(earlier=earlier, before=before, report=report, audio=audio, changes=changes)

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

    async def _keep_contents(
        self, work: ReportWork, new: NewReport, decided: _Decided, items: int
    ) -> None:
        before, report, audio = decided.before, decided.report, decided.audio
        reported = report.reported
        await work.usage.keep_turns(reported, latencies_of(new.items))
        is_first = report.is_complete and not before.is_complete
        if is_first:
            await work.usage.keep(reported, usage_of(new.header.summary))
        recordings = []
        if audio is not None:
            recordings.append(_recording(report, new.header, audio, self.clock.now()))
            await work.recordings.keep(recordings[0])
        await self.announce(
            work,
            report,
            items=items if before.transcript is not Part.KEPT else 0,
            has_usage=is_first,
            recordings=recordings,
        )


def _recording(report: Report, header: ReportHeader, audio: Audio, now: datetime) -> Recording:
    return Recording(
        id=audio.id,
        reported=report.reported,
        source=RecordingSource.REPORT,
        key=audio.key,
        created_at=now,
        size=audio.size,
        started_at=header.started_at,
        duration=header.duration,
    )
