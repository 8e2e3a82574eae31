"""The errors of tickets."""

from __future__ import annotations

from domain.shared.errors import RateLimited, Unauthenticated


class TicketRefused(Unauthenticated):
    """The ticket is forged or unknown."""

    code = "invalid_ticket"


class TicketExpired(Unauthenticated):
    """The ticket's time is over."""

    code = "ticket_expired"


class TicketUsed(Unauthenticated):
    """The ticket has begun as many sessions as it may, and they have ended."""

    code = "ticket_used"


class TooManyTickets(RateLimited):
    """The tenant has as many unexpired tickets as it may have."""

    code = "too_many_tickets"
