"""Authenticate a browser by its publishable key."""

from __future__ import annotations

import attrs

from domain.access.api_key import digest, is_same
from domain.access.authenticate import REMEMBERED
from domain.access.client_grant import ClientGrant
from domain.access.publishable_key import PublishableKey, publishable_prefix
from domain.access.publishable_keys import MatchOrigin, PublishableKeys
from domain.access.rate_limit import Bucket, RateLimiter
from domain.shared.clock import Clock
from domain.shared.errors import OriginRefused, RateLimited, Unauthenticated

_MOST_KNOWN = 10_000


@attrs.define(kw_only=True)
class AuthenticateClient:
    """Check the key, the page's origin and the key's own limit, in that order.

    ``limiter`` permits as many requests as any key may have.
    """

    keys: PublishableKeys
    limiter: RateLimiter
    match_origin: MatchOrigin
    clock: Clock
    most_per_minute: int
    _known: dict[str, tuple[PublishableKey, float]] = attrs.field(factory=dict, init=False)

    async def __call__(self, presented: str, origin: str) -> ClientGrant:
        """Return what the key permits.

        Raises ``Unauthenticated``, ``OriginRefused``, ``RateLimited`` or ``StorageUnavailable``.
        """
        key = await self._find(presented)
        if key is None or not is_same(key.digest, digest(presented)):
            raise Unauthenticated("This publishable key is unknown or was deleted.")
        if not self.match_origin(key.allowed_origins)(origin):
            raise OriginRefused(
                "This publishable key is not for pages of this origin; allowedOrigins lists those "
                "that may use it."
            )
        await self._count(key)
        return key.grant

    async def _count(self, key: PublishableKey) -> None:
        permit = await self.limiter.take(Bucket("key", key.id), self.clock.now())
        used = self.most_per_minute - permit.remaining
        if not permit.allowed or used > key.requests_per_minute:
            raise RateLimited(
                f"More than {key.requests_per_minute} requests with this publishable key in a "
                "minute; wait until the minute is over.",
                retry_after=max(1, int(permit.resets_in.total_seconds())),
            )

    async def _find(self, presented: str) -> PublishableKey | None:
        prefix = publishable_prefix(presented)
        if prefix is None:
            return None
        asked_at = self.clock.monotonic()
        known = self._known.get(prefix)
        if known is not None and asked_at < known[1]:
            return known[0]
        key = await self.keys.find(prefix)
        self._known.pop(prefix, None)
        if key is not None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[prefix] = key, asked_at + REMEMBERED.total_seconds()
        return key
