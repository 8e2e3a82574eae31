"""The port to tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from domain.access.access import Access
from domain.shared.identifiers import TicketId
from domain.tickets.ticket import Ticket


class TicketRepository(Protocol):
    """Each method is one atomic step; each raises ``StorageUnavailable`` when storage fails."""

    async def add(self, ticket: Ticket) -> None:
        """Make ``ticket`` durable. Raises ``Conflict`` if there is one with its id."""
        ...

    async def get(self, ticket_id: TicketId, access: Access) -> Ticket | None:
        """Return the ticket with this id if it is visible to ``access``."""
        ...

    async def count(self, tenant: str | None, now: datetime) -> int:
        """Return how many tickets of ``tenant`` (None: of no tenant) have not expired."""
        ...

    async def begin(self, ticket: Ticket) -> None:
        """Store ``sessions_begun`` and ``begun_at``.

        Raises ``Conflict`` unless the stored number is one less.
        """
        ...

    async def prune(self, before: datetime) -> int:
        """Delete the tickets that expired before then; return how many they were."""
        ...
