"""Tickets as a dictionary."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar

from adapters.memory.capability import Capability, Mentions
from domain.access.access import Access, visible
from domain.privacy.data_subject import DataSubject
from domain.shared.errors import Conflict
from domain.shared.identifiers import TicketId
from domain.tickets.ticket import Ticket


class MemoryTickets(Capability):
    """Implements :class:`domain.tickets.repository.TicketRepository`."""

    counted_as: ClassVar[str] = "tickets"

    def __init__(self) -> None:
        self._tickets: dict[TicketId, Ticket] = {}

    async def add(self, ticket: Ticket) -> None:
        """Store ``ticket``."""
        if ticket.id in self._tickets:
            raise Conflict("There is a ticket with this id.")
        self._tickets[ticket.id] = ticket

    async def get(self, ticket_id: TicketId, access: Access) -> Ticket | None:
        """Return the ticket with this id, if visible."""
        return visible(self._tickets.get(ticket_id), access)

    async def count(self, tenant: str | None, now: datetime) -> int:
        """Return how many tickets of ``tenant`` have not expired."""
        return sum(
            ticket.tenant == tenant and now < ticket.expires_at for ticket in self._tickets.values()
        )

    async def begin(self, ticket: Ticket) -> None:
        """Store the session that was begun."""
        stored = self._tickets.get(ticket.id)
        if stored is None or stored.sessions_begun != ticket.sessions_begun - 1:
            raise Conflict("Another request has used this ticket.")
        self._tickets[ticket.id] = ticket

    async def prune(self, before: datetime) -> int:
        """Delete the tickets that expired before then."""
        old = [ticket.id for ticket in self._tickets.values() if ticket.expires_at < before]
        self.erase(old)
        return len(old)

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:  # noqa: ARG002
        """Return the tickets that mention the person."""
        return {
            ticket.id: False
            for ticket in self._tickets.values()
            if person.is_in_answer(ticket.terms.text)
        }

    def erase(self, keys: Collection[TicketId]) -> None:
        """Delete tickets."""
        for key in keys:
            del self._tickets[key]
