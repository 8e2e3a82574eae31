"""When an agent is dispatched again after a dispatch that brought none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(seconds=60)
UNTAKEN_RETRY: Final = timedelta(seconds=8)
UNTAKEN_AT_ONCE: Final = 6
"""How many dispatches that no worker took are repeated without delay; later ones are repeated
after ``UNTAKEN_RETRY``: a worker that registers gets the waiting rooms within some seconds."""

STAYED: Final = timedelta(seconds=60)
"""How long an agent must have been in the room for the next dispatch to be without delay."""


def retry_delay(attempts: int) -> timedelta:
    """Return how long after the ``attempts``-th dispatch without an agent the next one may be."""
    return min(FIRST_RETRY * (1 << min(max(attempts - 1, 0), 8)), LONGEST_RETRY)


def untaken_retry(attempts: int, retry_at: datetime | None, now: datetime) -> datetime:
    """Return when to dispatch again after the ``attempts``-th dispatch, which no worker took.

    That is no later than ``retry_at``.
    """
    delay = UNTAKEN_RETRY if attempts > UNTAKEN_AT_ONCE else timedelta()
    return min(retry_at or now, now + delay)
