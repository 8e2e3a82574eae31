"""Publishable keys as a dictionary."""

from __future__ import annotations

from domain.access.access import Access
from domain.access.publishable_key import PublishableKey
from domain.shared.errors import Conflict


class MemoryPublishableKeys:
    """Implements :class:`domain.access.publishable_keys.PublishableKeys`."""

    def __init__(self) -> None:
        self._keys: dict[str, PublishableKey] = {}

    async def add(self, key: PublishableKey) -> None:
        """Store ``key``."""
        if key.prefix in self._keys:
            raise Conflict(f"There is a key {key.prefix} already.")
        self._keys[key.prefix] = key

    async def find(self, prefix: str) -> PublishableKey | None:
        """Return the key with this prefix."""
        return self._keys.get(prefix)

    async def list(self, access: Access) -> list[PublishableKey]:
        """Return the visible keys, the newest first."""
        found = [key for key in self._keys.values() if access.sees(key.tenant)]
        return sorted(found, key=lambda key: (key.created_at, key.id), reverse=True)

    async def remove(self, key_id: str, access: Access) -> bool:
        """Delete a visible key."""
        for prefix, key in self._keys.items():
            if key.id == key_id and access.sees(key.tenant):
                del self._keys[prefix]
                return True
        return False
