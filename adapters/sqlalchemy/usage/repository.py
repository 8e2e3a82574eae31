"""What sessions have used, in a database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from sqlalchemy import Connection, Executable, Row

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.write import Lock, Work, Write
from adapters.sqlalchemy.mapping import unreadable_row
from adapters.sqlalchemy.usage.statements import (
    DELETE_USAGE,
    FORGET,
    FORGOTTEN,
    MATCH,
    OF_REPORT,
    OF_SESSION,
    OWNER,
    POSTGRESQL,
    SQLITE,
)
from adapters.sqlalchemy.usage.turns import SessionTurns
from domain.access.access import Access
from domain.shared.identifiers import CallId, ReportId, SessionId
from domain.shared.reported import Reported
from domain.usage.model_usage import COUNTERS, ModelUsage, added_up
from domain.usage.repository import MOST_TURNS
from domain.usage.turn_latency import TurnLatency


class SqlUsage:
    """Implements :class:`domain.usage.repository.UsageRepository`.

    Changes are appended to ``writes``, for the unit of work to carry out; reads show them.
    """

    def __init__(self, database: Database, writes: list[Write], works: list[Work]) -> None:
        self._database = database
        self._writes = writes
        self._works = works
        self._upserts = SQLITE if database.embedded else POSTGRESQL
        self._owners: dict[ReportId, Reported] = {}
        self._kept: dict[ReportId, list[ModelUsage]] = {}

    def forget(self) -> None:
        """No longer show changes, which are committed or undone."""
        self._owners.clear()
        self._kept.clear()

    async def keep(self, reported: Reported, usage: Sequence[ModelUsage]) -> None:
        """Store the usage of a report in place of what was stored of the same report."""
        report, kept = reported.report_id, added_up(usage)
        known = await self._of_report(report)
        await self._own(reported)
        keys = {each.key for each in kept}
        for kind, provider, model in sorted({each.key for each in known} - keys):
            stale = {"of_kind": kind, "of_provider": provider, "of_model": model}
            self._write(DELETE_USAGE, {"of_report": report.value, **stale}, report)
        self._write_rows(self._upserts.usage, [_values(report, each) for each in kept], report)
        self._kept[report] = kept

    async def keep_turns(self, reported: Reported, latencies: Sequence[TurnLatency]) -> None:
        """Store turns of a report; one with the same report and item id is replaced."""
        report = reported.report_id
        turns = {turn.item_id: turn for turn in latencies[:MOST_TURNS] if not turn.is_nothing}
        if not turns:
            return
        await self._own(reported)
        rows = [{"report_id": report.value, **attrs.asdict(turn)} for turn in turns.values()]
        self._keep_turns(self._owners[report], rows)

    async def match(self, reported: Reported) -> None:
        """Give what is stored of a report, if anything is, its session, call and tenant."""
        report = reported.report_id
        if await self._owner(report) is not None:
            self._write(MATCH, {"of_report": report.value, **_owner(reported)}, report)
            self._owners[report] = reported
            self._keep_turns(reported, [])

    async def of_session(self, session_id: SessionId, access: Access) -> list[ModelUsage]:
        """Return the visible usage of a session, added up, sorted by kind, provider and model."""
        rows = await self._database.read(OF_SESSION, {"wanted": session_id.value})
        changed = {report.value for report in self._owners}
        found = [
            _to_usage(row)
            for row in rows
            if row.report_id not in changed and access.sees(row.tenant)
        ]
        for report, owner in self._owners.items():
            if owner.session_id == session_id and access.sees(owner.tenant):
                found += await self._of_report(report)
        return added_up(found)

    async def _of_report(self, report: ReportId) -> list[ModelUsage]:
        if report in self._kept:
            return self._kept[report]
        rows = await self._database.read(OF_REPORT, {"wanted": report.value})
        return [_to_usage(row) for row in rows]

    async def _owner(self, report: ReportId) -> Reported | None:
        if report in self._owners:
            return self._owners[report]
        rows = await self._database.read(OWNER, {"wanted": report.value})
        return _to_owner(rows[0]) if rows else None

    async def _own(self, reported: Reported) -> None:
        report = reported.report_id
        known = None if reported.is_matched else await self._owner(report)
        owner = known or reported
        values = {"report_id": report.value, **_owner(owner), "kept_at": datetime.now(UTC)}
        self._write(self._upserts.report, values, report)
        self._owners[report] = owner

    def _keep_turns(self, owner: Reported, rows: Sequence[Mapping[str, Any]]) -> None:
        session = owner.session_id
        if session is None:
            self._write_rows(self._upserts.turns, rows, owner.report_id)
        else:
            changes = list(rows) if self._database.embedded else list(_columns(rows))
            work = SessionTurns(owner.report_id.value, session.value, self._upserts.turns, changes)
            self._works.append(Work(work, ("worker_turns", session.value)))

    def _write_rows(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]], report: ReportId
    ) -> None:
        for values in rows if self._database.embedded else _columns(rows):
            self._write(statement, values, report)

    def _write(self, statement: Executable, values: Mapping[str, Any], report: ReportId) -> None:
        self._writes.append(Write(statement, values, _lock(report)))


def _lock(report: ReportId) -> Lock:
    return "usage_reports", report.value


def _columns(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield all rows as one list for each column, if there are any."""
    if rows:
        yield {name: [row[name] for row in rows] for name in rows[0]}


def _owner(reported: Reported) -> dict[str, str | None]:
    session_id, call_id = reported.session_id, reported.call_id
    return {
        "session_id": None if session_id is None else session_id.value,
        "call_id": None if call_id is None else call_id.value,
        "tenant": reported.tenant,
    }


def _to_owner(row: Row[Any]) -> Reported:
    return Reported(
        report_id=ReportId(row.report_id),
        session_id=None if row.session_id is None else SessionId(row.session_id),
        call_id=None if row.call_id is None else CallId(row.call_id),
        tenant=row.tenant,
    )


def _values(report: ReportId, usage: ModelUsage) -> dict[str, Any]:
    return {
        "report_id": report.value,
        "kind": usage.kind,
        "provider": usage.provider,
        "model": usage.model,
        **usage.counters,
        "others": json.dumps(dict(usage.others)),
    }


def _to_usage(row: Row[Any]) -> ModelUsage:
    try:
        return ModelUsage(
            kind=row.kind,
            provider=row.provider,
            model=row.model,
            **{name: getattr(row, name) for name in COUNTERS},
            others=json.loads(row.others),
        )
    except ValueError:
        raise unreadable_row(f"usage of report {row.report_id}") from None


@attrs.frozen
class PruneUsage:
    """Deletes what was reported of sessions that are no longer there, or never were."""

    database: Database

    async def __call__(self, before: datetime) -> int:
        """Delete what was kept before then, some at a time; return the number of reports."""

        def work(connection: Connection) -> int:
            reports = connection.execute(FORGOTTEN, {"before": before}).scalars().all()
            for statement in FORGET if reports else ():
                connection.execute(statement, {"reports": reports})
            return len(reports)

        done = 0
        while changed := await self.database.transact(work):
            done += changed
        return done
