"""The texts of tickets, signed with the service's secret."""

from __future__ import annotations

from typing import Final

import attrs

from adapters.system.signatures import signature
from domain.shared.identifiers import TicketId
from domain.tickets.ticket import PREFIX

_PURPOSE: Final = b"backend-livekit ticket "
"""No token of LiveKit, which the same secret signs, begins like this."""


@attrs.frozen
class HmacTicketSigner:
    """Implements :class:`domain.tickets.ticket.TicketSigner` with HMAC-SHA-256.

    The text follows from the id, so the ledger keeps no secret, and a repetition under an
    idempotency key gets the same text.
    """

    secret: str = attrs.field(repr=False)

    def text(self, ticket_id: TicketId) -> str:
        """Return the text of the ticket with this id."""
        signed = _PURPOSE + ticket_id.value.encode()
        mac = signature(self.secret.encode(), signed)
        return f"{PREFIX}{ticket_id.value.replace('-', '')}_{mac}"
