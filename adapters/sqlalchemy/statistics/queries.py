"""The queries of :mod:`adapters.sqlalchemy.statistics.reader`.

Each returns one row for each group, whose first columns are the group's key.
"""

from __future__ import annotations

from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import Any, Final

import attrs
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Label,
    Select,
    Subquery,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.sql.selectable import FromClause

from adapters.sqlalchemy.calls.table import calls
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.statistics.expressions import MillisecondsBetween, UtcDay, UtcMinute
from adapters.sqlalchemy.usage.table import turn_latencies, usage, usage_reports
from domain.access.access import Tenants
from domain.calls.call import CallStatus
from domain.rooms.sip_leg import Direction
from domain.sessions.session_status import EndReason, SessionStatus
from domain.statistics.statistics import Dimension, StatisticsQuery
from domain.usage.model_usage import COUNTERS

_LIVE: Final = sessions.c.status != SessionStatus.ENDED.value
_UNSERVED: Final = and_(
    ~_LIVE,
    sessions.c.active_at.is_(None),
    func.coalesce(sessions.c.end_reason, "") != EndReason.ABANDONED.value,
)
_OUTBOUND: Final = calls.c.direction == Direction.OUTBOUND.value
_REPORTS_ANSWER: Final = and_(_OUTBOUND, calls.c.sip_call_id_full.is_not(None))
# As Call.answered_at.
_ANSWERED: Final = or_(
    calls.c.seen_active_at.is_not(None),
    and_(
        calls.c.ended_at.is_not(None),
        or_(calls.c.was_active_at_end, and_(calls.c.room_sid.is_not(None), _REPORTS_ANSWER)),
    ),
)
_SESSION_TIME: Final = MillisecondsBetween(sessions.c.active_at, sessions.c.ended_at)
_JOIN: Final = MillisecondsBetween(sessions.c.dispatched_at, sessions.c.agent_joined_at)
_CALL_TIME: Final = MillisecondsBetween(calls.c.seen_active_at, calls.c.ended_at)

_REPORTS: Final = sessions.join(usage_reports, usage_reports.c.session_id == sessions.c.id)
_TURNS: Final = _REPORTS.join(
    turn_latencies, turn_latencies.c.report_id == usage_reports.c.report_id
)
_USED: Final = _REPORTS.join(usage, usage.c.report_id == usage_reports.c.report_id)
_CALLS_AND_SESSIONS: Final = calls.outerjoin(sessions, sessions.c.id == calls.c.session_id)


@attrs.frozen
class Queries:
    """The queries for what ``tenants`` own."""

    query: StatisticsQuery
    tenants: Tenants

    def sessions(self) -> Select[Any]:
        """Return how many sessions there are: all, live, unserved."""
        rows = self._rows(sessions, sessions, live=_LIVE, unserved=_UNSERVED)
        return self._grouped(rows, func.count(), _count(rows.c.live), _count(rows.c.unserved))

    def calls(self) -> Select[Any]:
        """Return how many calls there are: all, outbound, answered, failed."""
        failed = calls.c.status == CallStatus.FAILED.value
        flags = {"outbound": _OUTBOUND, "answered": _ANSWERED, "failed": failed}
        rows = self._rows(calls, self._calls, **flags)
        return self._grouped(rows, func.count(), *(_count(rows.c[name]) for name in flags))

    def session_time(self) -> Select[Any]:
        """Return the distribution of the time from the agent's first join to the end."""
        return self._distribution(sessions, sessions, _not_negative(_SESSION_TIME), repeated=False)

    def join_latency(self) -> Select[Any]:
        """Return the distribution of the time from the dispatch to the join."""
        # As Session.join_latency.
        is_known = and_(~sessions.c.agent_adopted, _JOIN > 0)
        return self._distribution(sessions, sessions, case((is_known, _JOIN)), repeated=True)

    def call_time(self) -> Select[Any]:
        """Return the distribution of the time from the first sight of an answer to the end."""
        return self._distribution(calls, self._calls, _not_negative(_CALL_TIME), repeated=False)

    def turn_latency(self) -> Select[Any]:
        """Return the distribution of the time from the user's last word to the agent's first."""
        return self._distribution(sessions, _TURNS, turn_latencies.c.end_to_end_ms, repeated=True)

    def usage(self) -> Select[Any]:
        """Return the sums of the counters of each model in each period of prices."""
        keys = {name: usage.c[name] for name in ("kind", "provider", "model")}
        counters = {name: usage.c[name] for name in COUNTERS}
        rows = self._rows(sessions, _USED, period=self._period, **keys, **counters)
        sums = (cast(func.sum(rows.c[name]), BigInteger).label(name) for name in COUNTERS)
        groups = [*self._keys_of(rows), rows.c.period, *(rows.c[name] for name in keys)]
        return select(*groups, *sums).group_by(*groups).order_by(*groups)

    @property
    def _calls(self) -> FromClause:
        return _CALLS_AND_SESSIONS if Dimension.AGENT in self.query.by else calls

    @property
    def _period(self) -> ColumnElement[int]:
        """How many of the days on which prices change are not after the session's."""
        created = sessions.c.created_at
        days = [datetime.combine(day, time_of_day(), UTC) for day in self.query.breaks]
        begun = [(created < day, literal(number, Integer)) for number, day in enumerate(days)]
        last = literal(len(days), Integer)
        return case(*begun, else_=last) if begun else last

    def _rows(self, table: Table, source: FromClause, **values: ColumnElement[Any]) -> Subquery:
        """Return the wanted rows of ``table``, joined as ``source``, with their groups' keys."""
        created, tenant = table.c.created_at, table.c.tenant
        wanted = [created >= self.query.since, created < self.query.until]
        if self.tenants is not None:
            owners = sorted(self.tenants, key=str)
            owned = (tenant.is_(None) if name is None else tenant == name for name in owners)
            wanted.append(or_(*owned))
        named = (value.label(name) for name, value in values.items())
        return select(*self._keys(table), *named).select_from(source).where(*wanted).subquery()

    def _keys(self, table: Table) -> list[Label[Any]]:
        keys: list[Label[Any]] = []
        if Dimension.DAY in self.query.by:
            keys.append(UtcDay(table.c.created_at).label("day"))
        if Dimension.MINUTE in self.query.by:
            keys.append(UtcMinute(table.c.created_at).label("minute"))
        if Dimension.AGENT in self.query.by:
            keys += [
                func.coalesce(sessions.c[name], "").label(name)
                for name in ("agent_name", "agent_id")
            ]
        if Dimension.TENANT in self.query.by:
            keys.append(func.coalesce(table.c.tenant, "").label("tenant"))
        return keys

    def _keys_of(self, rows: Subquery) -> list[ColumnElement[Any]]:
        return [rows.c[key.name] for key in self._keys(sessions)]

    def _grouped(self, rows: Subquery, *values: ColumnElement[Any]) -> Select[Any]:
        keys = self._keys_of(rows)
        return select(*keys, *values).select_from(rows).group_by(*keys)

    def _distribution(
        self, table: Table, source: FromClause, value: ColumnElement[Any], *, repeated: bool
    ) -> Select[Any]:
        """Return the number of values that are not null, their sum, and two percentiles.

        ``repeated``: many rows have the same value, as latencies have. These are counted first: a
        window over all rows takes SQLite three times as long.
        """
        found = self._rows(table, source, value=value)
        keys = self._keys_of(found)
        each = func.count() if repeated else literal(1, Integer)
        counting = select(*keys, found.c.value, each.label("number"))
        counting = counting.where(found.c.value.is_not(None))
        if repeated:
            counting = counting.group_by(*keys, found.c.value)
        counted = counting.subquery()
        keys = self._keys_of(counted)
        value, number = counted.c.value, counted.c.number
        up_to = func.sum(number).over(partition_by=keys, order_by=value, rows=(None, 0))
        whole = func.sum(number).over(partition_by=keys)
        ranked = select(*keys, value, number, up_to.label("up_to"), whole.label("whole")).subquery()
        percentiles = (
            func.min(case((ranked.c.up_to * 100 >= ranked.c.whole * percent, ranked.c.value)))
            for percent in (50, 95)
        )
        sums = (ranked.c.number, ranked.c.number * ranked.c.value)
        totals = (cast(func.coalesce(func.sum(each), 0), BigInteger) for each in sums)
        return self._grouped(ranked, *totals, *percentiles)


def _count(flag: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((flag, 1), else_=0)), 0)


def _not_negative(value: ColumnElement[int]) -> ColumnElement[int]:
    return case((value < 0, 0), else_=value)
