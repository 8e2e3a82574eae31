"""The rate limit: how many requests a client may send in a minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

import attrs

WINDOW: Final = timedelta(minutes=1)
_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@attrs.frozen
class Permit:
    """Whether one more request was allowed, how many are left, and when the window ends."""

    allowed: bool
    remaining: int
    resets_in: timedelta

    @classmethod
    def of(cls, used: int, limit: int, now: datetime) -> Permit:
        """For the ``used``-th request of the window that ``now`` is in."""
        return cls(used <= limit, max(limit - used, 0), WINDOW - _into_window(now))


def window_of(now: datetime) -> datetime:
    """When the window began that ``now`` is in; the same for every process."""
    return now - _into_window(now)


def _into_window(now: datetime) -> timedelta:
    """Return how long the window has gone on that ``now`` is in."""
    return (now - _EPOCH) % WINDOW


@attrs.frozen
class Bucket:
    """What is counted together: requests of a tenant, from an address, or with a credential.

    There are no more tenants than keys; a client may send from many addresses.
    """

    kind: Literal["tenant", "address", "key", "ticket"]
    whose: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.whose}"


class RateLimiter(Protocol):
    """Counts requests in fixed windows of :data:`WINDOW`."""

    async def take(self, bucket: Bucket, now: datetime) -> Permit:
        """Count one more request of ``bucket``'s.

        Of those that share a bucket and a window, whichever process they come to, exactly as many
        are allowed as the limit says. Raises ``StorageUnavailable`` when storage fails.
        """
        ...

    async def prune(self, before: datetime) -> int:
        """Forget windows that began before then; how many they were."""
        ...
