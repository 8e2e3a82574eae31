"""Authenticate an API key."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM, Access
from domain.access.api_key import ApiKey, FixedKey, digest, is_same, prefix_of
from domain.access.repository import ApiKeys
from domain.shared.background_tasks import BackgroundTasks
from domain.shared.clock import Clock
from domain.shared.errors import StorageUnavailable, Unauthenticated

REMEMBERED: Final = timedelta(seconds=5)
"""How long a key is known without asking the storage: a revoked one opens nothing after that."""

NOTED_EVERY: Final = timedelta(minutes=1)
"""How exact a key's last use is."""


@attrs.define(kw_only=True)
class Authenticate:
    """Without any key in the system each request has full access; else it must present a key."""

    keys: ApiKeys
    fixed: Sequence[FixedKey]
    clock: Clock
    _known: dict[str, tuple[ApiKey, float]] = attrs.field(factory=dict, init=False)
    _noted: dict[str, float] = attrs.field(factory=dict, init=False)
    _noting: BackgroundTasks = attrs.field(factory=BackgroundTasks, init=False)
    _guarded: bool = attrs.field(default=False, init=False)
    _asked_until: float = attrs.field(default=-math.inf, init=False)

    async def __call__(self, presented: str | None) -> Access:
        """Return the access that this key grants.

        Raises :class:`~domain.shared.errors.Unauthenticated` or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        if not await self.is_guarded(presented):
            return SYSTEM
        if not presented:
            raise Unauthenticated(
                "An API key is needed: send it as 'Authorization: Bearer <key>' or 'X-API-Key'."
            )
        hashed = digest(presented)
        return await self.holder(prefix_of(presented), lambda known: is_same(known, hashed))

    async def holder(self, prefix: str | None, is_its: Callable[[str], bool]) -> Access:
        """Return the access of the key whose digest ``is_its``.

        It is a fixed one, or the one with this prefix. Raises as a call does.
        """
        fixed = self._fixed(is_its)
        if fixed:
            return fixed[0].access
        key = None if prefix is None else await self._find(prefix)
        now = self.clock.now()
        if key is None or not is_its(key.digest) or not key.is_usable(now):
            raise Unauthenticated("This API key is unknown, expired or revoked.")
        self._note(key, now)
        return key.access

    def last_known(self, presented: str | None) -> Access | None:
        """Return the access that this key granted last; None if that is unknown.

        Reads no storage, so the key may have been revoked since, or the first key have been made:
        only for routes that show no tenant's data, while the storage cannot be read.
        """
        if not self._guarded and not self.fixed:
            return SYSTEM if self._asked_until > -math.inf else None
        known = self._known.get(prefix_of(presented or "") or "")
        if known is None or not is_same(known[0].digest, digest(presented or "")):
            return None
        return known[0].access if known[0].is_usable(self.clock.now()) else None

    def knows(self, presented: str) -> bool:
        """Return whether this process has accepted the key before; reads no storage."""
        hashed = digest(presented)
        known = self._known.get(prefix_of(presented) or "")
        is_fixed = self._fixed(lambda fixed: is_same(fixed, hashed))
        return bool(is_fixed) or (known is not None and is_same(known[0].digest, hashed))

    def _fixed(self, is_its: Callable[[str], bool]) -> list[FixedKey]:
        # All are compared, so that the time reveals nothing.
        return [key for key in self.fixed if is_its(key.digest)]

    async def is_guarded(self, presented: str | None = None) -> bool:
        """Whether there is a key, so that one is needed; one that is presented may be the first.

        Raises ``StorageUnavailable``.
        """
        if self._guarded or self.fixed:
            return True
        asked_at = self.clock.monotonic()
        if asked_at >= self._asked_until or prefix_of(presented or "") is not None:
            self._guarded = await self.keys.any()
            self._asked_until = asked_at + REMEMBERED.total_seconds()
        return self._guarded

    async def _find(self, prefix: str) -> ApiKey | None:
        asked_at = self.clock.monotonic()
        known = self._known.get(prefix)
        if known is not None and asked_at < known[1]:
            return known[0]
        key = await self.keys.find(prefix)
        if key is not None:
            self._known[prefix] = key, asked_at + REMEMBERED.total_seconds()
        return key

    async def settled(self) -> None:
        """Return once every use that is being noted is durable, or lost."""
        await self._noting.settled()

    def _note(self, key: ApiKey, now: datetime) -> None:
        """Note the key's use while the request goes on."""
        noted, at = self._noted.get(key.prefix), self.clock.monotonic()
        if noted is not None and at < noted + NOTED_EVERY.total_seconds():
            return
        self._noted[key.prefix] = at
        self._noting.start(self._store_use(key, now))

    async def _store_use(self, key: ApiKey, now: datetime) -> None:
        try:
            await self.keys.used(key.prefix, now)
        except StorageUnavailable:
            del self._noted[key.prefix]  # the next use tries again; this one needs no note
