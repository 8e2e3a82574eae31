"""The port to the phone numbers."""

from __future__ import annotations

from typing import Protocol

from domain.access.access import Access
from domain.phone_numbers.phone_number import PhoneNumber
from domain.shared.identifiers import PhoneNumberId
from domain.shared.pagination import Cursor


class PhoneNumberRepository(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def add(self, number: PhoneNumber) -> None:
        """Store a new number.

        Raises :class:`~domain.shared.errors.Conflict` if a stored entry ``excludes`` it.
        """
        ...

    async def save(self, number: PhoneNumber) -> PhoneNumber:
        """Store a change of a number that was read at ``number.revision``.

        Returns it as the next reader sees it. Raises :class:`~domain.shared.errors.Conflict` if it
        has changed since, was deleted, or a stored entry ``excludes`` it.
        """
        ...

    async def get(self, number_id: PhoneNumberId, access: Access) -> PhoneNumber | None:
        """Return the entry with this id if it is visible to ``access``."""
        ...

    async def of_number(self, number: str, access: Access) -> list[PhoneNumber]:
        """Return the visible entries of a number in E.164, the oldest first."""
        ...

    async def page(self, after: Cursor | None, limit: int, access: Access) -> list[PhoneNumber]:
        """Return the newest ``limit`` visible entries, of those older than ``after``."""
        ...

    async def count(self, tenant: str | None) -> int:
        """Return how many entries belong to ``tenant`` (None: to no tenant)."""
        ...

    async def delete(self, number_id: PhoneNumberId, access: Access) -> bool:
        """Delete the entry if it is visible; return whether it was."""
        ...
