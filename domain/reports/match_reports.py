"""Match reports with sessions that became known after them."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import attrs

from domain.recordings.recording import may_record
from domain.reports.announce import Announce
from domain.reports.contents import ReportWork
from domain.reports.find_session import call_of, find_session
from domain.reports.one_report import same_report
from domain.reports.report import Report
from domain.sessions.session import Session
from domain.shared.clock import Clock
from domain.shared.errors import Conflict
from domain.shared.identifiers import ReportId
from domain.shared.unit_of_work import UnitOfWorkFactory

AT_ONCE: Final = 100
"""Reports that one run looks at; those that are due then come in the next one."""


@attrs.frozen(kw_only=True)
class MatchReports:
    """Looks at the unmatched reports whose next attempt is due."""

    unit_of_work: UnitOfWorkFactory[ReportWork]
    announce: Announce
    clock: Clock

    async def is_due(self) -> bool:
        """Return whether there is anything to look at: one indexed read."""
        async with self.unit_of_work() as work:
            return bool(await work.reports.due(self.clock.now(), 1))

    async def __call__(self) -> int:
        """Return how many reports were matched.

        Raises ``StorageUnavailable``, at once in an outage, else once the others have been looked
        at: what one report raises is logged, and that one is tried again later.

        Several processes may do this at a time; of two that match one report, one changes it.
        """
        async with self.unit_of_work() as work:
            due = await work.reports.due(self.clock.now(), AT_ONCE)
        matched, problem = 0, None
        for report in due:
            try:
                matched += await self._match(report.id)
            except Conflict:
                continue  # it has changed since, and is looked at again
            except Exception as error:  # noqa: BLE001 - a defect: the others are not to wait
                problem = error
                await self._put_off(report.id)
        if problem is not None:
            raise problem
        return matched

    async def _put_off(self, report_id: ReportId) -> None:
        """Let the reports behind it have their turn. Raises ``StorageUnavailable`` in an outage."""
        now = self.clock.now()
        with suppress(Conflict):
            async with self.unit_of_work() as work:
                report = await work.reports.get(report_id)
                if report is not None and report.session_id is None:
                    await work.reports.save(report.tried(now))
                    await work.commit(urgent=False)

    async def _match(self, report_id: ReportId) -> bool:
        while (matched := await self._match_some(report_id)) is None:
            pass
        return matched

    async def _match_some(self, report_id: ReportId) -> bool | None:
        """Return whether the report is matched now; None if some of its many items are."""
        now = self.clock.now()
        async with self.unit_of_work() as work:
            report = await work.reports.get(report_id)
            if report is None or report.session_id is not None:
                return False
            session = await find_session(work, report, now)
            if session is None:
                await work.reports.save(report.tried(now))
                await work.commit(urgent=False)
                return False
            call_id = await call_of(work, session)
            matched = report.matched(session.id, call_id, session.tenant).abandoned()
            if await work.transcripts.match_ahead(matched.reported):
                if (kept := report.kept_for(session.id)) != report:
                    await work.reports.save(kept)
                await work.commit()
                return None
            await work.reports.save(matched)
            await self._match_contents(work, matched, session)
            await work.commit()
        return True

    async def _match_contents(self, work: ReportWork, report: Report, session: Session) -> None:
        now, reported = self.clock.now(), report.reported
        items = await work.transcripts.match(reported)
        # The report itself is not among them yet.
        posted = same_report(await work.reports.of_session(session.id), report, session)
        is_new = posted is None or not posted.is_complete
        if is_new:
            await work.usage.match(reported)
        recordings = [one for one in await work.recordings.match(reported) if one.is_shown]
        if not may_record(session):
            for recording in recordings:
                await work.recordings.save(recording.erased(now))
            recordings = []
        await self.announce(
            work,
            report,
            items=items if is_new else 0,
            has_usage=is_new,
            recordings=recordings,
        )
