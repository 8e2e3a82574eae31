"""Statistics as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from typing import Annotated, Any, Final

import msgspec

from domain.statistics.read_statistics import Statistics
from domain.statistics.statistics import Dimension, Distribution, GroupStatistics
from entrypoints.presenters.fields import Timestamp, documented
from entrypoints.presenters.times import rfc3339
from entrypoints.presenters.usage import CostResponse, cost_response

Day = Annotated[str, documented(format="date")]

KEYS: Final = {
    Dimension.DAY: ("day",),
    Dimension.MINUTE: ("minute",),
    Dimension.AGENT: ("agent_name", "agent_id"),
    Dimension.TENANT: ("tenant",),
}
"""The fields of a group's key, by what it is grouped by."""

_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - spreadsheets take these, too
"""With what a cell begins that a spreadsheet may carry out."""


class GroupResponse(msgspec.Struct, rename="camel", kw_only=True):
    """The statistics of a group; percentiles, rates and minutes of nothing are null or 0.

    `day`, `minute` (its beginning), `agentName` and `agentId` (the saved agent), and `tenant` are
    there where it is grouped by them; null for what has none, such as a call without a session.

    `sessionSeconds…` and `agentMinutes` are from the agent's first join to the session's end,
    `callSeconds…` and `callMinutes` from the time at which the call was first seen answered to its
    end; both are of what has ended. `agentJoinMs…` is from the dispatch to the join, `turnMs…` from
    the user's last word to the agent's first. `unservedSessions` ended without an agent.
    """

    day: Day | msgspec.UnsetType | None = msgspec.UNSET
    minute: Timestamp | msgspec.UnsetType | None = msgspec.UNSET
    agent_name: str | msgspec.UnsetType | None = msgspec.UNSET
    agent_id: str | msgspec.UnsetType | None = msgspec.UNSET
    tenant: str | msgspec.UnsetType | None = msgspec.UNSET
    sessions: int
    live_sessions: int
    unserved_sessions: int
    calls: int
    inbound_calls: int
    outbound_calls: int
    answered_calls: int
    answer_rate: float | None
    failed_calls: int
    session_seconds_p50: float | None
    session_seconds_p95: float | None
    call_seconds_p50: float | None
    call_seconds_p95: float | None
    agent_join_ms_p50: int | None
    agent_join_ms_p95: int | None
    turn_ms_p50: int | None
    turn_ms_p95: int | None
    turns: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    agent_minutes: float
    call_minutes: float
    cost: CostResponse | None


class StatisticsResponse(msgspec.Struct, rename="camel", kw_only=True):
    """What was created from `from` on and before `to`, in groups by day, minute, agent, tenant."""

    since: Timestamp = msgspec.field(name="from")
    until: Timestamp = msgspec.field(name="to")
    timezone: str
    group_by: list[Dimension]
    groups: list[GroupResponse]


def statistics_response(found: Statistics, by: Collection[Dimension]) -> StatisticsResponse:
    """Return statistics as the contract shows them."""
    ordered = [dimension for dimension in Dimension if dimension in by]
    return StatisticsResponse(
        since=rfc3339(found.since),
        until=rfc3339(found.until),
        timezone="UTC",
        group_by=ordered,
        groups=[_group_response(group, ordered) for group in found.groups],
    )


def _group_response(group: GroupStatistics, by: Collection[Dimension]) -> GroupResponse:
    key: dict[str, Any] = {
        name: getattr(group.key, name) or None for each in by for name in KEYS[each]
    }
    rate = group.answer_rate
    return GroupResponse(
        **key,
        sessions=group.sessions,
        live_sessions=group.live_sessions,
        unserved_sessions=group.unserved_sessions,
        calls=group.calls,
        inbound_calls=group.inbound_calls,
        outbound_calls=group.outbound_calls,
        answered_calls=group.answered_calls,
        answer_rate=None if rate is None else round(rate, 4),
        failed_calls=group.failed_calls,
        session_seconds_p50=_seconds(group.session_time.p50),
        session_seconds_p95=_seconds(group.session_time.p95),
        call_seconds_p50=_seconds(group.call_time.p50),
        call_seconds_p95=_seconds(group.call_time.p95),
        agent_join_ms_p50=group.join_latency.p50,
        agent_join_ms_p95=group.join_latency.p95,
        turn_ms_p50=group.turn_latency.p50,
        turn_ms_p95=group.turn_latency.p95,
        turns=group.turn_latency.count,
        input_tokens=group.tokens("input_tokens"),
        cached_input_tokens=group.tokens("cached_input_tokens"),
        output_tokens=group.tokens("output_tokens"),
        agent_minutes=_minutes(group.session_time),
        call_minutes=_minutes(group.call_time),
        cost=cost_response(group.cost),
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _minutes(time: Distribution) -> float:
    return round(time.total / 60_000, 2)


def statistics_rows(shown: StatisticsResponse) -> tuple[list[str], list[list[object]]]:
    """Return the names of the columns, and a row for each group; the cost is several columns."""
    names = [name for each in shown.group_by for name in KEYS[each]]
    fields = [field.name for field in msgspec.structs.fields(GroupResponse)]
    names += [name for name in fields if name not in {"cost", *_ALL_KEYS}]
    encoded = dict(zip(fields, GroupResponse.__struct_encode_fields__, strict=True))
    header = [*(encoded[name] for name in names), *_COST]
    rows = [
        [*(getattr(group, name) for name in names), *_cost_cells(group.cost)]
        for group in shown.groups
    ]
    return header, rows


def csv_text(shown: StatisticsResponse) -> str:
    """Return the groups as CSV (RFC 4180).

    A text that a spreadsheet would take for a formula gets an apostrophe before it. Texts are in
    quotes: where a semicolon separates cells, what follows one would begin another.
    """
    header, rows = statistics_rows(shown)
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


_ALL_KEYS: Final = frozenset(name for names in KEYS.values() for name in names)
_COST: Final = ("costMinor", "cost", "currency", "priceTable", "costIncomplete")


def _cost_cells(cost: CostResponse | None) -> list[object]:
    if cost is None:
        return [None] * len(_COST)
    return [cost.amount_minor, cost.amount, cost.currency, cost.price_table, cost.incomplete]


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
