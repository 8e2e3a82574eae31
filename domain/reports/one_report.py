"""A job has one report, also if its session's room was not known when the report was posted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from domain.reports.choose_session import job_of
from domain.reports.header import ReportHeader
from domain.reports.report import Report
from domain.sessions.session import Session


class OfJob(Protocol):
    """What says whose report it is: a header, or a report."""

    @property
    def room_sid(self) -> str:
        """Return the room instance."""
        ...

    @property
    def job_id(self) -> str:
        """Return the job."""
        ...


def stand_in(session: Session, claimed: str = "") -> tuple[str, str]:
    """Return the room and the job that a posted report has until these are known.

    ``claimed`` is the job that its worker names, if it does.
    """
    return "", f"{session.id.value}/{claimed}" if claimed else session.id.value


def same_report(reports: Sequence[Report], of: OfJob, session: Session) -> Report | None:
    """Return the one of the session's ``reports`` that is also ``of`` this job.

    A report that was posted before its job was known is that of the job which it names; one that
    names none is that of the session's first agent, because later ones know their session's room.
    """
    by_job = {(each.room_sid, each.job_id): each for each in reports}
    unnamed = by_job.get(stand_in(session))
    if of.room_sid:
        named = by_job.get(stand_in(session, of.job_id))
        is_first = not session.agents or job_of(session.agents[0]) in ("", of.job_id)
        return by_job.get((of.room_sid, of.job_id)) or named or (unnamed if is_first else None)
    claimed = of.job_id.partition("/")[2]
    if not claimed:
        return reports[-1] if reports else None
    uploaded = [each for each in reports if each.job_id == claimed]
    named = by_job.get((of.room_sid, of.job_id))
    return named or (uploaded[0] if uploaded else unnamed if len(reports) == 1 else None)


def under_its_job(report: Report, header: ReportHeader, session: Session) -> Report:
    """Return the report under the job that ``header`` knows, if it knows more."""
    known = header.room_sid, header.job_id
    if report.room_sid or known == stand_in(session):
        return report
    return attrs.evolve(report, room_sid=header.room_sid, job_id=header.job_id)
