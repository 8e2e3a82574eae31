"""The port that adds up what the ledger has."""

from __future__ import annotations

from typing import Protocol

from domain.access.access import Access
from domain.statistics.statistics import GroupStatistics, StatisticsQuery


class StatisticsReader(Protocol):
    """Adds up committed sessions, calls, usage and turns."""

    async def read(self, query: StatisticsQuery, access: Access) -> list[GroupStatistics]:
        """Return the groups that have a visible session or call, sorted by their keys; no costs.

        Usage and turns are those of the group's sessions. Changes that are committed meanwhile may
        show in some of the numbers. Raises :class:`~domain.statistics.statistics.TooManyGroups`,
        at the latest from the caller, who counts what is returned.
        """
        ...
