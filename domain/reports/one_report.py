"""A job has one report, also if its session's room was not known when the report was posted."""

from __future__ import annotations

import json

import attrs

from domain.reports.contents import ReportWork
from domain.reports.header import ReportHeader
from domain.reports.report import Report
from domain.sessions.session import Session


def stand_in(session: Session) -> tuple[str, str]:
    """Return the room and the job that a posted report has until these are known."""
    return "", session.id.value


async def earlier_report(work: ReportWork, header: ReportHeader, session: Session) -> Report | None:
    """Return the session's report that ``header`` adds to although it came under another job.

    That is one that was posted before the job was known; or, where ``header`` does not know the
    job, the session's newest. A report that names another job is another one.
    """
    if header.room_sid:
        found = await work.reports.of_job(*stand_in(session))
        return found if found is not None and _may_be_of(found, header.job_id) else None
    found = await work.reports.newest_of(session.id)
    claimed = header.summary.get("job_id")
    return found if found is not None and claimed in (None, "", found.job_id) else None


def under_its_job(report: Report, header: ReportHeader) -> Report:
    """Return the report under the job that ``header`` knows."""
    if not header.room_sid:
        return report
    return attrs.evolve(report, room_sid=header.room_sid, job_id=header.job_id)


async def was_posted(work: ReportWork, report: Report, session: Session) -> bool:
    """Return whether the session has the whole of an unmatched report already, posted."""
    posted = await work.reports.of_job(*stand_in(session))
    return posted is not None and posted.is_complete and _may_be_of(posted, report.job_id)


def _may_be_of(posted: Report, job_id: str) -> bool:
    return json.loads(posted.summary or "{}").get("job_id") in (None, "", job_id)
