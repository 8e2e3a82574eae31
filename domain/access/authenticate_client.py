"""Authenticate a browser by its publishable key."""

from __future__ import annotations

import attrs

from domain.access.api_key import digest, is_same
from domain.access.authenticate import REMEMBERED
from domain.access.client_grant import ClientGrant
from domain.access.client_limit import ClientLimit
from domain.access.publishable_key import PublishableKey, publishable_prefix
from domain.access.publishable_keys import MatchOrigin, PublishableKeys
from domain.access.rate_limit import Bucket
from domain.shared.clock import Clock
from domain.shared.errors import OriginRefused, Unauthenticated

_MOST_KNOWN = 10_000


@attrs.define(kw_only=True)
class AuthenticateClient:
    """Check the key, the page's origin and the key's own limit, in that order."""

    keys: PublishableKeys
    limit: ClientLimit
    match_origin: MatchOrigin
    clock: Clock
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
        await self.limit(Bucket("key", key.id), key.requests_per_minute, "publishable key")
        return key.grant

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
