"""Workers' reports in a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability, personal
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.engine.named_lock import Locked, lock_name
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Lock, Work, Write
from adapters.sqlalchemy.mapping import unreadable_row
from adapters.sqlalchemy.schema.metadata import metadata
from domain.privacy.data_subject import DataSubject
from domain.reports.report import Part, Report
from domain.shared.errors import Conflict, InvalidInput
from domain.shared.identifiers import CallId, ReportId, SessionId

reports: Final = Table(
    "reports",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("room_sid", Text, nullable=False),
    Column("job_id", Text, nullable=False),
    Column("room_name", Text, nullable=False, info=personal(DataSubject.is_in)),
    Column("received_at", UtcDateTime, nullable=False),
    # Null while only items have come.
    Column("completed_at", UtcDateTime),
    # The worker's summary of the session, as JSON.
    Column("summary", Text, nullable=False, info=personal(DataSubject.is_in_answer)),
    Column("transcript", String(16), nullable=False),
    Column("audio", String(16), nullable=False),
    # Null until it is matched with a session.
    Column("session_id", String(36)),
    Column("call_id", String(36)),
    Column("tenant", Text),
    # When it is matched again; null once it is matched.
    Column("retry_at", UtcDateTime),
    Column("version", Integer, nullable=False),
)

REPORT_IS_UNMATCHED: Final[ColumnElement[bool]] = reports.c.session_id.is_(None)

Index("uq_reports_job", reports.c.room_sid, reports.c.job_id, unique=True)
Index("ix_reports_session", reports.c.session_id)
Index("ix_reports_received", reports.c.received_at)
Index(
    "ix_reports_unmatched",
    reports.c.retry_at,
    sqlite_where=REPORT_IS_UNMATCHED,
    postgresql_where=REPORT_IS_UNMATCHED,
)

REPORTS: Final = Capability(table=reports, counted_as="reports")

_GET: Final = Lookup(select(reports).where(reports.c.id == bindparam("wanted")))
_OF_JOB: Final = Lookup(
    select(reports).where(
        reports.c.room_sid == bindparam("wanted_room"), reports.c.job_id == bindparam("wanted_job")
    )
)
_OF_SESSION: Final = (
    select(reports)
    .where(reports.c.session_id == bindparam("wanted"))
    .order_by(reports.c.received_at, reports.c.id)
)
_IDS_OF_SESSION: Final = select(reports.c.id).where(reports.c.session_id == bindparam("wanted"))
_DUE: Final = (
    select(reports)
    .where(REPORT_IS_UNMATCHED, reports.c.retry_at <= bindparam("now", type_=UtcDateTime))
    .order_by(reports.c.retry_at)
    .limit(bindparam("most"))
)
_ADD: Final[Executable] = insert(reports)
_SAVE: Final[Executable] = update(reports).where(
    reports.c.id == bindparam("saved_id"), reports.c.version == bindparam("read_version")
)


class SqlReports:
    """Implements :class:`domain.reports.repository.ReportRepository`.

    Changes are appended to ``writes``, for the unit of work to carry out.
    """

    def __init__(self, database: Database, writes: list[Write], works: list[Work]) -> None:
        self._database = database
        self._writes = writes
        self._works = works
        self._stored: set[str] = set()

    def forget(self) -> None:
        """Drop what was stored by this unit, which is committed or undone."""
        self._stored = set()

    async def add(self, report: Report) -> None:
        """Store a new report; a conflict surfaces at commit."""
        self._stored.add(report.id.value)
        self._writes.append(Write(_ADD, _values(report), _lock(report)))

    async def save(self, report: Report) -> None:
        """Store a change of a report; a conflict surfaces at commit."""
        self._stored.add(report.id.value)
        which = {"saved_id": report.id.value, "read_version": report.version}
        values = _values(report.stored()) | which
        del values["id"]
        self._writes.append(Write(_SAVE, values, _lock(report)))

    async def get(self, report_id: ReportId) -> Report | None:
        """Return the committed report with this id."""
        return _first(await self._database.read(_GET, {"wanted": report_id.value}))

    async def of_job(self, room_sid: str, job_id: str) -> Report | None:
        """Return the committed report of this job in this room instance."""
        wanted = {"wanted_room": room_sid, "wanted_job": job_id}
        return _first(await self._database.read(_OF_JOB, wanted))

    async def of_session(self, session_id: SessionId) -> Sequence[Report]:
        """Return the session's committed reports, the oldest first; one more is a conflict."""
        rows = await self._database.read_many(_OF_SESSION, {"wanted": session_id.value})
        known = {row.id for row in rows}
        unchanged = _Unchanged(session_id.value, known, self._stored)
        self._works.append(Work(unchanged, ("worker_reports", session_id.value)))
        return [_to_report(row) for row in rows]

    async def due(self, now: datetime, limit: int) -> Sequence[Report]:
        """Return unmatched reports whose next attempt is due, the longest due first."""
        rows = await self._database.read_many(_DUE, {"now": now, "most": limit})
        return [_to_report(row) for row in rows]


@attrs.frozen
class _Unchanged:
    """Raises ``Conflict`` if the session has a report that is neither ``known`` nor ``stored``.

    Its lock comes after those of all tables: the reports of others in the same transaction are
    there by then.
    """

    session_id: str
    known: Collection[str]
    stored: Collection[str]

    def __call__(self, connection: Connection) -> None:
        """Carry it out in a transaction."""
        lock_name(connection, Locked.REPORTS, self.session_id)
        wanted = {"wanted": self.session_id}
        found = {*connection.execute(_IDS_OF_SESSION, wanted).scalars()}
        if not found <= {*self.known, *self.stored}:
            raise Conflict("The session has got another report.")


def _lock(report: Report) -> Lock:
    """By its job, of which there is one report: its id alone would not order that index."""
    return "reports", report.room_sid, report.job_id


def _values(report: Report) -> dict[str, Any]:
    return {
        "id": report.id.value,
        "room_sid": report.room_sid,
        "job_id": report.job_id,
        "room_name": report.room_name,
        "received_at": report.received_at,
        "completed_at": report.completed_at,
        "summary": report.summary,
        "transcript": report.transcript.value,
        "audio": report.audio.value,
        "session_id": None if report.session_id is None else report.session_id.value,
        "call_id": None if report.call_id is None else report.call_id.value,
        "tenant": report.tenant,
        "retry_at": report.retry_at,
        "version": report.version,
    }


def _first(rows: Sequence[Any]) -> Report | None:
    return _to_report(rows[0]) if rows else None


def _to_report(row: Row[Any]) -> Report:
    try:
        return Report(
            id=ReportId(row.id),
            room_sid=row.room_sid,
            job_id=row.job_id,
            room_name=row.room_name,
            received_at=row.received_at,
            completed_at=row.completed_at,
            summary=row.summary,
            transcript=Part(row.transcript),
            audio=Part(row.audio),
            session_id=None if row.session_id is None else SessionId(row.session_id),
            call_id=None if row.call_id is None else CallId(row.call_id),
            tenant=row.tenant,
            retry_at=row.retry_at,
            version=row.version,
        )
    except (ValueError, InvalidInput):
        raise unreadable_row(f"report {row.id}") from None
