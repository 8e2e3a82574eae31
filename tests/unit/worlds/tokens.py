"""LiveKit's standard token endpoint of a world's service, and the tickets for it."""

from __future__ import annotations

from typing import Any

from adapters.memory.rate_limiter import MemoryRateLimiter
from adapters.system.ticket_signer import HmacTicketSigner
from domain.access.access import SYSTEM, Access
from domain.access.client_grant import ClientGrant
from domain.access.client_limit import ClientLimit
from domain.idempotency.idempotent_execution import IdempotentExecution
from domain.sessions.issue_token import IssueToken, IssueTokenCommand
from domain.sessions.start_session import StartedSession
from domain.sessions.token_policy import TokenPolicy
from domain.tickets.authenticate_ticket import AuthenticateTicket
from domain.tickets.create_ticket import CreateTicket, CreateTicketCommand, MadeTicket
from domain.tickets.create_ticket_once import CreateTicketOnce
from domain.tickets.redeem_ticket import RedeemTicket
from tests.unit.worlds.world import AGENT, World

PER_MINUTE = 6000
POLICY = TokenPolicy(
    agent_names=(AGENT, "receptionist"), metadata_keys=("plan",), attributes=("plan",)
)


class TokenEndpoint:
    """What browsers and a customer's server ask of it."""

    def __init__(self, world: World, policy: TokenPolicy = POLICY) -> None:
        self.world = world
        tickets = world.storage.tickets
        signer = self.signer = HmacTicketSigner("a-secret")
        self.issue_token = IssueToken(
            start_session=world.start_session, policy=policy, ids=world.ids
        )
        self.create_ticket = CreateTicket(
            tickets=tickets,
            start_session=world.start_session,
            signer=signer,
            clock=world.clock,
            ids=world.ids,
            agent_names=(AGENT, "receptionist"),
        )
        self.create_ticket_once = CreateTicketOnce(
            idempotent_execution=IdempotentExecution(
                idempotency=world.storage.idempotency, clock=world.clock, ids=world.ids
            ),
            create_ticket=self.create_ticket,
        )
        self.authenticate_ticket = AuthenticateTicket(
            tickets=tickets,
            signer=signer,
            limit=ClientLimit(
                limiter=MemoryRateLimiter(PER_MINUTE),
                clock=world.clock,
                most_per_minute=PER_MINUTE,
            ),
            clock=world.clock,
        )
        self.redeem_ticket = RedeemTicket(
            tickets=tickets,
            ledger=world.ledger,
            start_session=world.start_session,
            policy=policy,
            clock=world.clock,
        )

    async def makes(self, access: Access = SYSTEM, **asked: Any) -> MadeTicket:
        """A customer's server makes a ticket."""
        return await self.create_ticket(CreateTicketCommand(access=access, **asked))

    async def redeems(self, text: str, **asked: Any) -> StartedSession:
        """A browser fetches a token with a ticket."""
        ticket = await self.authenticate_ticket(text)
        command = IssueTokenCommand(access=ticket.access, **asked)
        return await self.redeem_ticket(ticket, command)

    async def fetches(self, grant: ClientGrant | None = None, **asked: Any) -> StartedSession:
        """A browser fetches a token with a publishable key, or without any."""
        access = SYSTEM if grant is None else grant.access
        return await self.issue_token(IssueTokenCommand(access=access, grant=grant, **asked))
