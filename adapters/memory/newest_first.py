"""What is stored, by age."""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterator
from datetime import datetime

from domain.shared.pagination import Cursor

Age = tuple[datetime, str]


class NewestFirst:
    """Ages, kept sorted; what is stored is mostly the newest."""

    def __init__(self) -> None:
        self._ages: list[Age] = []

    def add(self, age: Age) -> None:
        """Find its place."""
        bisect.insort(self._ages, age)

    def remove(self, ages: Collection[Age]) -> None:
        """Forget their places."""
        gone = set(ages)
        self._ages = [age for age in self._ages if age not in gone]

    def after(self, position: Cursor | None) -> Iterator[str]:
        """The ids of those that are older than ``position``, the newest first."""
        end = len(self._ages)
        if position is not None:
            end = bisect.bisect_left(self._ages, (position.created_at, position.id))
        for index in range(end - 1, -1, -1):
            yield self._ages[index][1]
