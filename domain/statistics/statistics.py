"""The statistics of one group of sessions and calls."""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Final

import attrs

from domain.shared.errors import InvalidInput
from domain.usage.model_usage import ModelUsage
from domain.usage.prices import Cost

MOST_GROUPS: Final = 10_000
"""A year by day and 27 agents. Beyond, an answer would take seconds, and megabytes."""


class Dimension(enum.StrEnum):
    """What sessions and calls are grouped by."""

    DAY = "day"
    MINUTE = "minute"
    AGENT = "agent"
    TENANT = "tenant"


@attrs.frozen(kw_only=True)
class StatisticsQuery:
    """Select what was created ``since`` then (included) and before ``until``.

    ``breaks`` are days on which prices change: usage is added up apart before and after each.
    """

    since: datetime
    until: datetime
    by: Collection[Dimension] = ()
    breaks: Sequence[date] = ()


@attrs.frozen(kw_only=True, order=True)
class GroupKey:
    """A group: a day (UTC, ``2026-01-31``), a minute, an agent's name and a saved agent, a tenant.

    A minute is the time at which it begins (``2026-01-31T12:00:00.000Z``).

    Empty where it is not grouped by it, and for what has none: a call without a session has no
    agent, a session of a worker's own agent no id, and what was started without a key no tenant.
    """

    day: str = ""
    minute: str = ""
    agent_name: str = ""
    agent_id: str = ""
    tenant: str = ""


def name_of_minute(time: datetime) -> str:
    """Return what a group is called whose minute ``time`` is in."""
    utc = time.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


@attrs.frozen(kw_only=True)
class Distribution:
    """How many values there are, their sum, and exact percentiles of them, in milliseconds.

    A percentile is the least value that is not less than so many percent of all; None of none.
    """

    count: int = 0
    total: int = 0
    p50: int | None = None
    p95: int | None = None


class TooManyGroups(InvalidInput):
    """There are more than :data:`MOST_GROUPS`."""

    def __init__(self) -> None:
        super().__init__(
            f"There are more than {MOST_GROUPS} groups. Choose a shorter range (from, to), or "
            "group by less.",
            field="groupBy",
        )


NOTHING: Final = Distribution()


@attrs.frozen(kw_only=True)
class UsageOfPeriod:
    """The usage of one model by the sessions of a group that began in one period of prices.

    ``period`` 0 is before the first of the query's ``breaks``, 1 from it on, and so on.
    """

    period: int
    usage: ModelUsage


def _as_tuple(usage: Sequence[UsageOfPeriod]) -> Sequence[UsageOfPeriod]:
    return tuple(usage)


@attrs.frozen(kw_only=True)
class GroupStatistics:
    """What the sessions and calls of a group add up to; each is counted once, by its creation.

    ``live_sessions`` are among ``sessions`` and in no duration. ``unserved_sessions`` ended
    without an agent having joined, though a user was there or none was waited for.
    ``session_time`` is from the agent's first join to the end, ``call_time`` from the time at which
    the call was first seen answered to its end. ``join_latency`` is from the dispatch to the join.
    """

    key: GroupKey
    sessions: int = 0
    live_sessions: int = 0
    unserved_sessions: int = 0
    inbound_calls: int = 0
    outbound_calls: int = 0
    answered_calls: int = 0
    failed_calls: int = 0
    session_time: Distribution = NOTHING
    call_time: Distribution = NOTHING
    join_latency: Distribution = NOTHING
    turn_latency: Distribution = NOTHING
    usage: Sequence[UsageOfPeriod] = attrs.field(default=(), converter=_as_tuple)
    cost: Cost | None = None

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return self.inbound_calls + self.outbound_calls

    @property
    def answer_rate(self) -> float | None:
        """Which part of the calls is known to have been answered; None without calls."""
        return self.answered_calls / self.calls if self.calls else None

    def tokens(self, counter: str) -> int:
        """Return the sum of a counter over all models."""
        return sum(int(getattr(each.usage, counter)) for each in self.usage)
