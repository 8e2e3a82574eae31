"""Statistics of the ledger in memory: added up one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from adapters.memory.call_table import CallTable
from adapters.memory.session_table import SessionTable
from adapters.memory.usage import KeptReport, UsageTable
from domain.access.access import Access
from domain.calls.call import Call, CallStatus
from domain.rooms.sip_leg import Direction
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.statistics.statistics import (
    Dimension,
    Distribution,
    GroupKey,
    GroupStatistics,
    StatisticsQuery,
    UsageOfPeriod,
    name_of_minute,
)
from domain.usage.model_usage import added_up

_MILLISECOND = timedelta(milliseconds=1)


@attrs.frozen
class MemoryStatistics:
    """Implements :class:`domain.statistics.repository.StatisticsReader`."""

    sessions: SessionTable
    calls: CallTable
    usage: UsageTable

    async def read(self, query: StatisticsQuery, access: Access) -> list[GroupStatistics]:
        """Return the groups that have a visible session or call, sorted by their keys."""
        sessions = defaultdict[GroupKey, list[Session]](list)
        calls = defaultdict[GroupKey, list[Call]](list)
        for session in self.sessions.by_id.values():
            if _is_wanted(session, query, access):
                sessions[_key(session, session, query)].append(session)
        for call in self.calls.by_id.values():
            if _is_wanted(call, query, access):
                of = None if call.session_id is None else self.sessions.by_id.get(call.session_id)
                calls[_key(call, of, query)].append(call)
        return [
            self._group(key, sessions[key], calls[key], query)
            for key in sorted({*sessions, *calls})
        ]

    def _group(
        self,
        key: GroupKey,
        sessions: Sequence[Session],
        calls: Sequence[Call],
        query: StatisticsQuery,
    ) -> GroupStatistics:
        ended = [session for session in sessions if not session.is_live]
        inbound = sum(call.parties.direction is Direction.INBOUND for call in calls)
        unserved = [
            session
            for session in ended
            if session.active_at is None and session.end_reason is not EndReason.ABANDONED
        ]
        return GroupStatistics(
            key=key,
            sessions=len(sessions),
            live_sessions=len(sessions) - len(ended),
            unserved_sessions=len(unserved),
            inbound_calls=inbound,
            outbound_calls=len(calls) - inbound,
            answered_calls=sum(call.answered_at is not None for call in calls),
            failed_calls=sum(call.status is CallStatus.FAILED for call in calls),
            session_time=_distribution(_spans(sessions, "active_at")),
            call_time=_distribution(_spans(calls, "seen_active_at")),
            join_latency=_distribution(
                session.join_latency // _MILLISECOND
                for session in sessions
                if session.join_latency is not None
            ),
            turn_latency=_distribution(
                turn.end_to_end_ms
                for session in sessions
                for report in self._reports(session)
                for turn in report.turns.values()
                if turn.end_to_end_ms is not None
            ),
            usage=self._usage(sessions, query),
        )

    def _usage(self, sessions: Sequence[Session], query: StatisticsQuery) -> list[UsageOfPeriod]:
        periods = defaultdict[int, list[KeptReport]](list)
        for session in sessions:
            period = sum(day <= session.created_at.date() for day in query.breaks)
            periods[period] += self._reports(session)
        return [
            UsageOfPeriod(period=period, usage=attrs.evolve(usage, others={}))
            for period in sorted(periods)
            for usage in added_up(used for report in periods[period] for used in report.usage)
        ]

    def _reports(self, session: Session) -> Iterator[KeptReport]:
        reports = self.usage.by_report.values()
        return (report for report in reports if report.owner.session_id == session.id)


def _is_wanted(record: Session | Call, query: StatisticsQuery, access: Access) -> bool:
    return query.since <= record.created_at < query.until and access.sees(record.tenant)


def _key(record: Session | Call, of: Session | None, query: StatisticsQuery) -> GroupKey:
    key: dict[str, str] = {}
    if Dimension.DAY in query.by:
        key["day"] = record.created_at.astimezone(UTC).date().isoformat()
    if Dimension.MINUTE in query.by:
        key["minute"] = name_of_minute(record.created_at)
    if Dimension.AGENT in query.by and of is not None:
        key["agent_name"] = of.agent_name
        key["agent_id"] = "" if of.agent_id is None else of.agent_id.value
    if Dimension.TENANT in query.by:
        key["tenant"] = record.tenant or ""
    return GroupKey(**key)


def _spans(records: Iterable[Any], since: str) -> Iterator[int]:
    for record in records:
        begin: datetime | None = getattr(record, since)
        if begin is not None and record.ended_at is not None:
            yield max((record.ended_at - begin) // _MILLISECOND, 0)


def _distribution(values: Iterable[int]) -> Distribution:
    found = sorted(values)
    if not found:
        return Distribution()
    count = len(found)
    p50, p95 = (found[(count * percent + 99) // 100 - 1] for percent in (50, 95))
    return Distribution(count=count, total=sum(found), p50=p50, p95=p95)
