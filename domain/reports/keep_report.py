"""Keep a report with all that it brought: readers see all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.recordings.recording import Recording, RecordingSource
from domain.reports.announce import Announce
from domain.reports.contents import ReportWork
from domain.reports.decide_report import Audio, Decided, DecideReport, NewReport
from domain.reports.header import ReportHeader
from domain.reports.parts import last_part, parts_of
from domain.reports.report import Part, Report
from domain.reports.turns import latencies_of
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.ids import IdGenerator
from domain.shared.report_errors import ReportContended
from domain.shared.reported import Reported
from domain.shared.unit_of_work import UnitOfWorkFactory
from domain.usage.read_summary import usage_of

AT_ONCE: Final = 250
"""Items that are stored with the rest of a report; on SQLite all other changes wait for them."""
PART: Final = 100
"""Items that each transaction before that one stores: there may be a thousand in a row."""
_ATTEMPTS: Final = 10
_PAUSE: Final = timedelta(milliseconds=20)


@attrs.frozen(kw_only=True)
class Kept:
    """The report as it is stored. ``audio`` is what is in use of that which came with it."""

    report: Report
    audio: Audio | None


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
    decide: DecideReport = attrs.field(init=False)

    @decide.default
    def _decide(self) -> DecideReport:
        return DecideReport(clock=self.clock, ids=self.ids)

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
                ahead = await self._keep_ahead(new)
                async with self.unit_of_work() as work:
                    return await self._kept(work, new, ahead, before_commit)
            except Conflict:  # another upload, a match, or the session's first webhook was quicker
                await self.clock.sleep((attempt + 1) * _PAUSE)
        raise ReportContended("Several uploads of this report came at once; send it again.")

    async def _keep_ahead(self, new: NewReport) -> _Ahead | None:
        """Store all items but the last part of them, a part at a time.

        They are not shown before the rest is there, as a new report is not matched until then, or
        until it is taken for abandoned. One that is matched has had items before it was complete,
        and these join them.
        """
        items = new.items[: last_part(new.items, AT_ONCE)]
        if not items:
            return None
        async with self.unit_of_work() as work:
            decided = await self.decide(work, new)
            if not decided.changes:
                return None
            await self._is_coming(work, decided)
        kept, reported = 0, decided.report.reported
        for part in parts_of(items, PART):
            async with self.unit_of_work() as work:
                if await work.reports.get(reported.report_id) is None:
                    raise Conflict("The report has been erased.")
                kept += await work.transcripts.keep(reported, part)
                await work.commit()
            await self.clock.sleep(timedelta())  # others have their turn, also in memory
        return _Ahead(kept, reported)

    async def _is_coming(self, work: ReportWork, decided: Decided) -> None:
        """Store the report before its items, unless it is there as it should be."""
        before, earlier = decided.before, decided.earlier
        if not before.is_coming:
            return
        coming = before.coming(self.clock.now(), decided.report.session_id)
        if earlier is None:
            await work.reports.add(coming)
            await work.commit()
        elif coming != earlier:
            await work.reports.save(coming)
            await work.commit()

    async def _kept(
        self,
        work: ReportWork,
        new: NewReport,
        ahead: _Ahead | None,
        before_commit: Callable[[], None],
    ) -> Kept:
        decided = await self.decide(work, new)
        if not decided.changes:
            return Kept(report=decided.report, audio=None)
        is_ahead = ahead is not None and ahead.reported == decided.report.reported
        last = new.items[last_part(new.items, AT_ONCE) :]
        if len(last) < len(new.items) and not is_ahead:
            raise Conflict("The report's session has become known.")
        if decided.earlier is None:
            await work.reports.add(decided.report)
        else:
            await work.reports.save(decided.report)
        count = await work.transcripts.keep(decided.report.reported, last)
        count += 0 if ahead is None else ahead.kept
        await self._keep_contents(work, new, decided, count)
        before_commit()
        await work.commit()
        return Kept(report=decided.report, audio=decided.audio)

    async def _keep_contents(
        self, work: ReportWork, new: NewReport, decided: Decided, items: int
    ) -> None:
        before, report, audio = decided.before, decided.report, decided.audio
        reported = report.reported
        await work.usage.keep_turns(reported, latencies_of(new.items))
        is_first = report.is_complete and not before.is_complete and not decided.is_known
        if is_first:
            await work.usage.keep(reported, usage_of(new.header.summary))
        recordings = []
        if audio is not None:
            recordings.append(_recording(report, new.header, audio, self.clock.now()))
            await work.recordings.keep(recordings[0])
        await self.announce(
            work,
            report,
            items=items if before.transcript is not Part.KEPT and not decided.is_known else 0,
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
