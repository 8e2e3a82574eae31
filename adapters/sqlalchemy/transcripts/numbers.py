"""The numbers of rows on SQLite.

FTS5 returns what it finds in the order of row numbers. Made of the time, they are in the order that
results have, and a search for a common word ends after one page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BITS: Final = 20
_LARGEST: Final = 2**63 - 1


def first_number(time: datetime) -> int:
    """Return the first number of the millisecond of ``time``."""
    return ((time - _EPOCH) // timedelta(milliseconds=1)) << _BITS


class Numbers:
    """Gives each row a number that is free. ``last_before`` returns the last that is taken."""

    def __init__(self, last_before: Callable[[int, int], int | None]) -> None:
        self._last_before = last_before
        self._given: dict[int, int] = {}

    def next(self, time: datetime) -> int:
        """Return the next number of the millisecond of ``time``.

        Where a million have been given, those of later milliseconds are taken.
        """
        first = given = first_number(time)
        while True:
            last = self._given.get(given)
            if last is None:
                last = self._last_before(given, given + (1 << _BITS))
            number = given if last is None else last + 1
            if number < given + (1 << _BITS) or number >= _LARGEST:
                break
            given += 1 << _BITS
        self._given[given] = number
        return max(number, first)
