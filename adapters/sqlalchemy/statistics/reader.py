"""Statistics of the ledger in a database."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import attrs
from sqlalchemy import Row, Select

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.statistics.queries import Queries
from domain.access.access import Access
from domain.statistics.statistics import (
    MOST_GROUPS,
    Dimension,
    Distribution,
    GroupKey,
    GroupStatistics,
    StatisticsQuery,
    TooManyGroups,
    UsageOfPeriod,
    name_of_minute,
)
from domain.usage.model_usage import COUNTERS, ModelUsage

_AT_ONCE: Final = 2
_EPOCH: Final = date(1970, 1, 1)
_MOST_ROWS: Final = 5 * MOST_GROUPS
"""Of one query: the usage of a group has a row for each model."""
_TIMES: Final = ("session_time", "call_time", "join_latency", "turn_latency")


@attrs.frozen
class SqlStatistics:
    """Implements :class:`domain.statistics.repository.StatisticsReader`.

    Each query goes through the range once; what it returns is a row for each group and model. Two
    at a time: more would take the connections that requests wait for.
    """

    _database: Database

    async def read(self, query: StatisticsQuery, access: Access) -> list[GroupStatistics]:
        """Return the groups that have a visible session or call, sorted by their keys."""
        queries = Queries(query, access.tenants)
        names = ("sessions", "calls", *_TIMES, "usage")
        turns = asyncio.Semaphore(_AT_ONCE)

        async def read(name: str) -> list[tuple[GroupKey, tuple[Any, ...]]]:
            async with turns:
                return await self._read(getattr(queries, name)(), query)

        answers = await asyncio.gather(*map(read, names))
        groups = defaultdict[GroupKey, dict[str, Any]](dict)
        for name, rows in zip(names, answers, strict=True):
            for key, values in rows:
                groups[key].update(_fields(name, values, groups[key]))
        found = [GroupStatistics(key=key, **fields) for key, fields in groups.items()]
        there = (group for group in found if group.sessions or group.calls)
        return sorted(there, key=lambda group: group.key)

    async def _read(
        self, select: Select[Any], query: StatisticsQuery
    ) -> list[tuple[GroupKey, tuple[Any, ...]]]:
        rows = await self._database.read_many(select.limit(_MOST_ROWS + 1))
        if len(rows) > _MOST_ROWS:
            raise TooManyGroups
        return list(_keyed(rows, query))


def _keyed(rows: Any, query: StatisticsQuery) -> Iterator[tuple[GroupKey, tuple[Any, ...]]]:
    names: list[str] = []
    for dimension, fields in (
        (Dimension.DAY, ["day"]),
        (Dimension.MINUTE, ["minute"]),
        (Dimension.AGENT, ["agent_name", "agent_id"]),
        (Dimension.TENANT, ["tenant"]),
    ):
        names += fields if dimension in query.by else []
    for row in rows:
        values: Row[Any] = row
        key = dict(zip(names, values, strict=False))
        if "day" in key:
            key["day"] = (_EPOCH + timedelta(days=key["day"])).isoformat()
        if "minute" in key:
            key["minute"] = name_of_minute(datetime.fromtimestamp(60 * key["minute"], UTC))
        yield GroupKey(**key), tuple(values)[len(names) :]


def _fields(name: str, values: tuple[Any, ...], known: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a group that a row of a query gives."""
    match name:
        case "sessions":
            number, live, unserved = values
            return {"sessions": number, "live_sessions": live, "unserved_sessions": unserved}
        case "calls":
            number, outbound, answered, failed = values
            return {
                "inbound_calls": number - outbound,
                "outbound_calls": outbound,
                "answered_calls": answered,
                "failed_calls": failed,
            }
        case "usage":
            period, kind, provider, model, *counters = values
            named: dict[str, Any] = dict(zip(COUNTERS, counters, strict=True))
            used = ModelUsage(kind=kind, provider=provider, model=model, **named)
            return {"usage": [*known.get("usage", ()), UsageOfPeriod(period=period, usage=used)]}
        case _:
            count, total, p50, p95 = values
            return {name: Distribution(count=count, total=total, p50=p50, p95=p95)}
