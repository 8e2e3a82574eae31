"""The port to publishable keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

from domain.access.access import Access
from domain.access.publishable_key import PublishableKey

ParseOrigin = Callable[[str], str]
"""Returns an origin, or a pattern of origins, as browsers send it. Raises ``ValueError``."""

MatchOrigin = Callable[[Collection[str]], Callable[[str], bool]]
"""Returns a test for ``Origin`` headers."""

CheckAgent = Callable[[str, Access], Awaitable[object]]
"""Raises as :class:`domain.agents.use_agent.UseAgent` for a saved agent that no session of this
access can use without giving values to its variables."""


class PublishableKeys(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def add(self, key: PublishableKey) -> None:
        """Make ``key`` durable. Raises ``Conflict`` if its prefix is taken."""
        ...

    async def find(self, prefix: str) -> PublishableKey | None:
        """Return the key with this prefix, to authenticate with it."""
        ...

    async def list(self, access: Access) -> list[PublishableKey]:
        """Return the visible keys, the newest first."""
        ...

    async def remove(self, key_id: str, access: Access) -> bool:
        """Delete a visible key; False if there is none."""
        ...


class PublishableKeyMaker(Protocol):
    """Makes secrets."""

    def publishable_key(self) -> str:
        """A new key: ``pk_``, 12 characters to find it by, ``_``, 256 random bits in base64url."""
        ...
