"""Read statistics, with costs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import attrs

from domain.access.access import Access, Scope
from domain.shared.clock import Clock
from domain.shared.errors import Forbidden, InvalidInput
from domain.statistics.repository import StatisticsReader
from domain.statistics.statistics import (
    MOST_GROUPS,
    Dimension,
    GroupKey,
    GroupStatistics,
    StatisticsQuery,
    TooManyGroups,
)
from domain.usage.price_table import PriceTable

MOST_DAYS: Final = 366
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2999
_DAY: Final = timedelta(days=1)
_DEFAULT: Final = timedelta(days=30)


@attrs.frozen(kw_only=True)
class Statistics:
    """The groups of what was created ``since`` then and before ``until``."""

    since: datetime
    until: datetime
    groups: list[GroupStatistics]


@attrs.frozen(kw_only=True)
class ReadStatistics:
    """Reads the ledger; ``prices`` of None: no costs."""

    statistics: StatisticsReader
    prices: PriceTable | None
    clock: Clock

    async def __call__(
        self,
        access: Access,
        since: datetime | None = None,
        until: datetime | None = None,
        by: Collection[Dimension] = (),
    ) -> Statistics:
        """Return the statistics of a range of at most 366 days, the last 30 days by default.

        Without a dimension there is one group, which may be empty, and by day alone one for each
        day of the range; otherwise there are those with a session or call. Days are those of UTC.
        Raises :class:`~domain.shared.errors.InvalidInput`, also for too many groups, and
        :class:`~domain.shared.errors.Forbidden` for groups by tenant without the scope ``admin``.
        """
        since, until = self._range(since, until)
        if Dimension.TENANT in by and access.tenants is not None:
            raise Forbidden(
                "Only an API key with the scope admin may group by tenant.", scope=Scope.ADMIN
            )
        breaks = [] if self.prices is None else self.prices.breaks(since, until)
        query = StatisticsQuery(since=since, until=until, by=by, breaks=breaks)
        found = {group.key: group for group in await self.statistics.read(query, access)}
        if len(found) > MOST_GROUPS:
            raise TooManyGroups
        for key in _expected(query):
            found.setdefault(key, GroupStatistics(key=key))
        periods = [since.date(), *breaks]
        groups = await asyncio.to_thread(self._all_priced, found, periods)
        return Statistics(since=since, until=until, groups=groups)

    def _all_priced(
        self, found: Mapping[GroupKey, GroupStatistics], periods: Sequence[date]
    ) -> list[GroupStatistics]:
        return [self._priced(found[key], periods) for key in sorted(found)]

    def _range(self, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
        for field, time in (("from", since), ("to", until)):
            if time is not None and not _FIRST_YEAR <= time.year <= _LAST_YEAR:
                raise InvalidInput(
                    f"{field} must be in the years {_FIRST_YEAR} to {_LAST_YEAR}.", field=field
                )
        if until is None:
            midnight = self.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
            until = midnight + _DAY if since is None else max(midnight + _DAY, since + _DAY)
        if since is None:
            since = until - _DEFAULT
        if since >= until:
            raise InvalidInput("to must be after from.", field="to")
        if until - since > MOST_DAYS * _DAY:
            raise InvalidInput(f"from and to must be at most {MOST_DAYS} days apart.", field="from")
        return since, until

    def _priced(self, group: GroupStatistics, periods: Sequence[date]) -> GroupStatistics:
        if self.prices is None:
            return group
        cost = self.prices.cost((periods[each.period], each.usage) for each in group.usage)
        return attrs.evolve(group, cost=cost)


def _expected(query: StatisticsQuery) -> list[GroupKey]:
    """Return the groups that are shown even if they are empty."""
    if not query.by:
        return [GroupKey()]
    if set(query.by) != {Dimension.DAY}:
        return []
    first = query.since.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (first + number * _DAY for number in range(MOST_DAYS + 1))
    return [GroupKey(day=day.date().isoformat()) for day in days if day < query.until]
