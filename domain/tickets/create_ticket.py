"""Make a ticket for one user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import attrs

from domain.access.access import Access, Scope
from domain.access.agent_choice import choose_agent_name
from domain.rooms.token_options import TokenRequest
from domain.sessions.dispatch_timing import DispatchTiming
from domain.sessions.start_session import StartSession, StartSessionCommand
from domain.shared.clock import Clock
from domain.shared.errors import InvalidInput
from domain.shared.identifiers import TicketId
from domain.shared.ids import IdGenerator
from domain.shared.ticket_errors import TooManyTickets
from domain.tickets.repository import TicketRepository
from domain.tickets.ticket import Ticket, TicketSigner, TicketTerms

DEFAULT_TTL_SECONDS: Final = 60
MIN_TTL_SECONDS: Final = 5
MAX_TTL_SECONDS: Final = 900
MAX_SESSIONS: Final = 10
"""Of one ticket."""
MAX_TICKETS: Final = 10_000
"""Unexpired ones of one tenant; making several at once can exceed it by these."""
_RETRY_AFTER_SECONDS: Final = 5


@attrs.frozen(kw_only=True)
class CreateTicketCommand:
    """What the ticket shall fix, unchecked. None means absent.

    ``agent``, ``variables``, ``agent_config`` and ``token`` are as in
    :class:`~domain.sessions.start_session.StartSessionCommand`; ``agent_name`` is one of those that
    clients may choose. Without ``user_identity`` one is made. ``ttl_seconds`` is how long the
    ticket is valid, ``max_sessions`` how many sessions it may begin, one after the other.
    """

    user_identity: str | None = None
    room_name: str | None = None
    agent: str | None = None
    agent_name: str | None = None
    variables: Mapping[str, Any] | None = None
    agent_config: Mapping[str, Any] | None = None
    token: TokenRequest = attrs.field(factory=TokenRequest)
    ttl_seconds: object = None
    max_sessions: object = None
    access: Access


@attrs.frozen
class MadeTicket:
    """A new ticket and its text, a secret."""

    ticket: Ticket
    text: str


@attrs.frozen(kw_only=True)
class CreateTicket:
    """Check what a ticket fixes as if its session began now, and store it.

    ``agent_names`` are those that clients may choose, the default first.
    """

    tickets: TicketRepository
    start_session: StartSession
    signer: TicketSigner
    clock: Clock
    ids: IdGenerator
    agent_names: Sequence[str]

    async def __call__(
        self, command: CreateTicketCommand, ticket_id: TicketId | None = None
    ) -> MadeTicket:
        """Return a new ticket; ``ticket_id``: its id, if it is decided.

        A saved agent is fixed at the version that is active now. Raises ``Forbidden`` without the
        scope ``sessions:write``, ``InvalidInput``, ``MetadataTooLarge``, ``NotFound`` for an agent
        that is not visible, ``TooManyTickets`` or ``StorageUnavailable``.
        """
        command.access.require(Scope.SESSIONS_WRITE)
        lifetime, now = lifetime_of(command), self.clock.now()
        ticket_id = ticket_id or self.ids.ticket_id()
        ticket = Ticket(
            id=ticket_id,
            tenant=command.access.tenant,
            terms=await self._terms(command, ticket_id),
            max_sessions=sessions_of(command),
            created_at=now,
            expires_at=now + lifetime,
        )
        if await self.tickets.count(ticket.tenant, now) >= MAX_TICKETS:
            raise TooManyTickets(
                f"There are {MAX_TICKETS} tickets that have not expired, which is the limit; make "
                "tickets with a shorter ttlSeconds.",
                retry_after=_RETRY_AFTER_SECONDS,
            )
        await self.tickets.add(ticket)
        return self.made(ticket)

    def made(self, ticket: Ticket) -> MadeTicket:
        """Return a stored ticket with its text."""
        return MadeTicket(ticket, self.signer.text(ticket.id))

    def session_of(self, command: CreateTicketCommand, identity: str) -> StartSessionCommand:
        """Return the request for a session as the ticket fixes it. Raises ``InvalidInput``."""
        access = attrs.evolve(
            command.access,
            scopes=frozenset({Scope.SESSIONS_WRITE}),
            sees_unowned=command.access.sees(None),
        )
        return StartSessionCommand(
            command.user_identity or identity,
            command.room_name,
            command.agent_config,
            access=access,
            agent=command.agent,
            variables=command.variables,
            dispatch=DispatchTiming.ON_JOIN.value,
            token=command.token,
            agent_name=choose_agent_name(command.agent_name, command.agent, self.agent_names),
        )

    async def _terms(self, command: CreateTicketCommand, ticket_id: TicketId) -> TicketTerms:
        start = self.session_of(command, f"user-{ticket_id}")
        token = self.start_session.options_of(start)
        session = await self.start_session.candidate(start)
        self.start_session.await_user.check_kept(session)
        named = command.room_name is not None and command.room_name.strip()
        return TicketTerms(
            user_identity=str(session.identity),
            agent_name=session.agent_name,
            agent=f"{session.agent_id}@{session.agent_version}" if session.agent_id else None,
            variables=command.variables,
            agent_config=command.agent_config,
            room_name=str(session.room_name) if named else None,
            participant_name=token.name,
            participant_metadata=token.metadata,
            participant_attributes=token.attributes or None,
            token_ttl_seconds=int(token.ttl.total_seconds()),
            sees_unowned=start.access.sees_unowned,
        )


def lifetime_of(command: CreateTicketCommand) -> timedelta:
    """Return how long the ticket is valid. Raises ``InvalidInput``."""
    seconds = DEFAULT_TTL_SECONDS if command.ttl_seconds is None else command.ttl_seconds
    return timedelta(seconds=_whole(seconds, "ttlSeconds", MIN_TTL_SECONDS, MAX_TTL_SECONDS))


def sessions_of(command: CreateTicketCommand) -> int:
    """Return how many sessions the ticket may begin. Raises ``InvalidInput``."""
    wanted = 1 if command.max_sessions is None else command.max_sessions
    return _whole(wanted, "maxSessions", 1, MAX_SESSIONS)


def _whole(given: object, field: str, least: int, most: int) -> int:
    if type(given) is not int or not least <= given <= most:  # True is an int
        raise InvalidInput(
            f"{field} must be a whole number from {least} to {most}.", field=field, example=least
        )
    return given
