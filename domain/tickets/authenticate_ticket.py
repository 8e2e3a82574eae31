"""Authenticate a browser by its ticket."""

from __future__ import annotations

from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.access.client_limit import ClientLimit
from domain.access.rate_limit import Bucket
from domain.shared.clock import Clock
from domain.shared.ticket_errors import TicketExpired, TicketRefused
from domain.tickets.repository import TicketRepository
from domain.tickets.ticket import Ticket, TicketSigner, ticket_of

REQUESTS_PER_MINUTE: Final = 30
"""With one ticket."""


@attrs.frozen(kw_only=True)
class AuthenticateTicket:
    """Check the ticket's signature, its own limit and its time, in that order.

    A forged ticket is refused without a question to the storage.
    """

    tickets: TicketRepository
    signer: TicketSigner
    limit: ClientLimit
    clock: Clock

    async def __call__(self, presented: str) -> Ticket:
        """Return the ticket.

        Raises ``TicketRefused``, ``TicketExpired``, ``RateLimited`` or ``StorageUnavailable``.
        """
        ticket_id = ticket_of(presented, self.signer)
        ticket = None
        if ticket_id is not None:
            await self.limit(Bucket("ticket", str(ticket_id)), REQUESTS_PER_MINUTE, "ticket")
            ticket = await self.tickets.get(ticket_id, SYSTEM)
        if ticket is None:
            raise TicketRefused("This ticket is unknown; get another one from your server.")
        if self.clock.now() >= ticket.expires_at:
            raise TicketExpired("This ticket has expired; get another one from your server.")
        return ticket
