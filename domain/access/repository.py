"""The API keys that were made here."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.access.api_key import ApiKey


class ApiKeys(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def add(self, key: ApiKey) -> None:
        """Make ``key`` durable. Raises ``Conflict`` if its prefix is taken."""
        ...

    async def find(self, prefix: str) -> ApiKey | None:
        """The key with this prefix."""
        ...

    async def any(self) -> bool:
        """Whether a key was ever made; one that no longer opens anything counts."""
        ...

    async def list(self) -> list[ApiKey]:
        """Every key, the newest first."""
        ...

    async def expire(self, prefix: str, at: datetime) -> bool:
        """Let the key open nothing from ``at`` on, unless it ends sooner; False if it is none."""
        ...

    async def revoke(self, prefix: str, at: datetime) -> bool:
        """Let the key open nothing any more; False if there is none. The first time is kept."""
        ...

    async def used(self, prefix: str, at: datetime) -> None:
        """Note when the key was used last."""
        ...


class KeyMaker(Protocol):
    """Makes secrets."""

    def api_key(self) -> str:
        """A new key: ``blk_``, 12 characters to find it by, ``_``, 256 random bits in base64url."""
        ...
