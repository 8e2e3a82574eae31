"""How long entries of the ledger have been missing from what LiveKit lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

_ALMOST: Final = 0.9
"""Cycles do not begin at exactly the same distance."""


@attrs.define
class Absences:
    """Confirm an absence by a second look, at least one ``interval`` after the first.

    An absence that is not noted in a cycle is forgotten: the entry was there, or LiveKit did not
    answer.
    """

    interval: timedelta
    _since: dict[str, datetime] = attrs.field(factory=dict, init=False)
    _noted: set[str] = attrs.field(factory=set, init=False)

    def begin_cycle(self) -> None:
        """Forget what the last cycle did not note."""
        self._since = {key: at for key, at in self._since.items() if key in self._noted}
        self._noted = set()

    def note(self, key: str, now: datetime) -> timedelta:
        """Note that ``key`` is missing; return for how long it has been."""
        self._noted.add(key)
        return now - self._since.setdefault(key, now)

    def is_noted(self, key: str) -> bool:
        """Whether ``key`` is missing in this cycle."""
        return key in self._noted

    def is_confirmed(self, missing_for: timedelta, looks: int = 1) -> bool:
        """Whether an absence was seen again ``looks`` intervals after it was first seen."""
        return missing_for >= self.interval * looks * _ALMOST

    def is_doubted(self, key: str) -> bool:
        """Whether ``key`` was missing at the last look."""
        return key in self._since
