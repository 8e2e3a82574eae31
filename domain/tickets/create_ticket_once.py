"""Make a ticket once, however often its maker asks for it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable

import attrs

from domain.access.access import Scope
from domain.idempotency.idempotent_execution import IdempotentExecution
from domain.shared.identifiers import TicketId, uuid_7_of
from domain.tickets.create_ticket import (
    CreateTicket,
    CreateTicketCommand,
    lifetime_of,
    sessions_of,
)
from domain.tickets.ticket import Ticket


@attrs.frozen
class IdempotentTicket:
    """The first response, the ticket's text for it, and whether this request is a repetition."""

    response: str
    text: str
    replayed: bool


@attrs.frozen(kw_only=True)
class CreateTicketOnce:
    """``create_ticket``, once for each key of a tenant's."""

    idempotent_execution: IdempotentExecution
    create_ticket: CreateTicket

    async def __call__(
        self, key: str, command: CreateTicketCommand, present: Callable[[Ticket], str]
    ) -> IdempotentTicket:
        """Return what ``present`` makes of the ticket, which is stored and so has no secret.

        A repetition gets the same ticket, also after it has expired. Raises what ``CreateTicket``
        and ``IdempotentExecution`` raise.
        """
        command.access.require(Scope.SESSIONS_WRITE)

        async def first(number: uuid.UUID) -> str:
            ticket_id = TicketId(uuid_7_of(number))
            # An earlier attempt with this key may have stored it before it was interrupted.
            ticket = await self.create_ticket.tickets.get(ticket_id, command.access)
            if ticket is None:
                ticket = (await self.create_ticket(command, ticket_id)).ticket
            return json.dumps([str(ticket.id), present(ticket)])

        answered = await self.idempotent_execution(
            key, command.access, self._fingerprint(command), first
        )
        ticket_id, response = json.loads(answered.text)
        text = self.create_ticket.signer.text(TicketId(ticket_id))
        return IdempotentTicket(response, text, answered.replayed)

    def _fingerprint(self, command: CreateTicketCommand) -> str:
        """Raises ``InvalidInput`` or ``MetadataTooLarge``."""
        start = self.create_ticket.session_of(command, "user")
        asked = [
            "create ticket",
            self.create_ticket.start_session.fingerprint(start),
            bool(command.user_identity),
            start.agent_name,
            lifetime_of(command).total_seconds(),
            sessions_of(command),
        ]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()
