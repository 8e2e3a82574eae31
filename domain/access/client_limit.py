"""The limit of one browser credential: a publishable key, or a ticket."""

from __future__ import annotations

import attrs

from domain.access.rate_limit import Bucket, RateLimiter
from domain.shared.clock import Clock
from domain.shared.errors import RateLimited


@attrs.frozen(kw_only=True)
class ClientLimit:
    """Counts requests in a limiter that permits as many as any credential may have."""

    limiter: RateLimiter
    clock: Clock
    most_per_minute: int

    async def __call__(self, bucket: Bucket, per_minute: int, credential: str) -> None:
        """Count a request.

        Raises ``RateLimited``, which names the ``credential``, or ``StorageUnavailable``.
        """
        permit = await self.limiter.take(bucket, self.clock.now())
        used = self.most_per_minute - permit.remaining
        if not permit.allowed or used > per_minute:
            raise RateLimited(
                f"More than {per_minute} requests with this {credential} in a minute; wait until "
                "the minute is over.",
                retry_after=max(1, int(permit.resets_in.total_seconds())),
            )
