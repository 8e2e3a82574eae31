"""How many uploads a process receives at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import attrs

from domain.shared.report_errors import TooManyReports

AT_ONCE: Final = 64
"""With a bucket, each may hold some megabytes that are being sent on."""
_MAY_BE_SLOW_SECONDS: Final = 30
_SLOW_BYTES_A_SECOND: Final = 64 * 1024


@attrs.define(eq=False)
class Place:
    """The place of an upload among those that are received; ``size`` is what has come of it."""

    began: float
    size: int = 0
    is_lost: bool = False
    waiting: asyncio.Timeout | None = None

    def rate(self, now: float) -> float:
        """Return how many bytes a second have come."""
        return self.size / max(now - self.began, 1e-3)

    def lose(self) -> None:
        """Make way: the upload ends at once."""
        self.is_lost = True
        if self.waiting is not None:
            self.waiting.reschedule(asyncio.get_running_loop().time())


@attrs.frozen
class Uploads:
    """At most ``at_once`` places. If all are taken, the slowest upload makes way if it is slow."""

    at_once: int = AT_ONCE
    _taken: set[Place] = attrs.field(factory=set, init=False)

    @contextmanager
    def taken(self, place: Place) -> Iterator[None]:
        """Take a place, a new one, for the length of the block.

        Raises :class:`~domain.shared.report_errors.TooManyReports` if none is free.
        """
        if len(self._taken) >= self.at_once:
            self._make_room(place.began)
        self._taken.add(place)
        try:
            yield
        finally:
            self._taken.discard(place)

    def _make_room(self, now: float) -> None:
        slowest = min(self._taken, key=lambda place: place.rate(now))
        may_end = now - slowest.began >= _MAY_BE_SLOW_SECONDS
        if not may_end or slowest.rate(now) >= _SLOW_BYTES_A_SECOND:
            raise TooManyReports("Too many reports are being received; send this one again.")
        self._taken.discard(slowest)
        slowest.lose()
