"""API keys as a dictionary."""

from __future__ import annotations

from datetime import datetime

import attrs

from adapters.memory.resource_events import ResourceEvents
from domain.access.api_key import ApiKey
from domain.events.domain_event import EventKind
from domain.shared.errors import Conflict


class MemoryApiKeys:
    """Implements :class:`domain.access.repository.ApiKeys`."""

    def __init__(self, events: ResourceEvents | None = None) -> None:
        self._events = events or ResourceEvents()
        self.stored: dict[str, ApiKey] = {}

    async def add(self, key: ApiKey) -> None:
        """Store ``key``."""
        if key.prefix in self.stored:
            raise Conflict(f"There is a key {key.prefix} already.")
        self.stored[key.prefix] = key
        self._announce(EventKind.API_KEY_CREATED, key)

    async def find(self, prefix: str) -> ApiKey | None:
        """The key with this prefix."""
        return self.stored.get(prefix)

    async def any(self) -> bool:
        """Whether a key was ever made."""
        return bool(self.stored)

    async def list(self) -> list[ApiKey]:
        """Every key, the newest first."""
        return sorted(self.stored.values(), key=lambda key: (key.created_at, key.id), reverse=True)

    async def expire(self, prefix: str, at: datetime) -> bool:
        """Let the key open nothing from ``at`` on, unless it ends sooner."""
        key = self.stored.get(prefix)
        if key is None:
            return False
        if key.expires_at is None or key.expires_at > at:
            self.stored[prefix] = expiring = attrs.evolve(key, expires_at=at)
            self._announce(EventKind.API_KEY_UPDATED, expiring)
        return True

    async def revoke(self, prefix: str, at: datetime) -> bool:
        """Let the key open nothing any more."""
        key = self.stored.get(prefix)
        if key is None:
            return False
        if key.revoked_at is None:
            self.stored[prefix] = revoked = attrs.evolve(key, revoked_at=at)
            self._announce(EventKind.API_KEY_REVOKED, revoked)
        return True

    async def used(self, prefix: str, at: datetime) -> None:
        """Note when the key was used last."""
        if prefix in self.stored:
            self.stored[prefix] = attrs.evolve(self.stored[prefix], last_used_at=at)

    def _announce(self, kind: EventKind, key: ApiKey) -> None:
        self._events.append(kind, key, lane=key.id, tenant=key.tenant)
