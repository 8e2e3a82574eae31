"""Give the user of a ticket a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import attrs

from domain.access.access import SYSTEM
from domain.rooms.token_options import TokenRequest
from domain.sessions.dispatch_timing import DispatchTiming
from domain.sessions.issue_token import IssueTokenCommand, renamed
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.sessions.start_session import StartedSession, StartSession, StartSessionCommand
from domain.sessions.token_policy import TokenPolicy
from domain.shared.clock import Clock
from domain.shared.errors import Conflict, InvalidInput, RoomTaken
from domain.shared.ticket_errors import TicketUsed
from domain.tickets.repository import TicketRepository
from domain.tickets.ticket import Ticket, TicketTerms

Value = TypeVar("Value")


@attrs.frozen(kw_only=True)
class RedeemTicket:
    """Begin the ticket's session, or let its user into the one that was begun.

    Clients fetch tokens in advance, repeat requests whose answer was lost, and reload: until the
    ticket expires, each request gets a token for the session that the first one began, while that
    lives. A session that no user has joined does not count.
    """

    tickets: TicketRepository
    ledger: SessionStore
    start_session: StartSession
    policy: TokenPolicy
    clock: Clock

    async def __call__(self, ticket: Ticket, command: IssueTokenCommand) -> StartedSession:
        """Return the token, and the session that waits for its user.

        Raises ``InvalidInput`` for what contradicts the ticket or a client may not set,
        ``TicketUsed``, and as :class:`~domain.sessions.start_session.StartSession` with
        ``on_join``; errors name the token endpoint's fields.
        """
        terms = ticket.terms
        token = self._token(terms, command)
        ticket = await self._with_session(ticket)
        start = StartSessionCommand(
            terms.user_identity,
            terms.room_name,
            terms.agent_config,
            access=command.access,
            new_room=None if terms.room_name else ticket.room_name,
            agent=terms.agent,
            variables=terms.variables,
            dispatch=DispatchTiming.ON_JOIN.value,
            token=token,
            agent_name=terms.agent_name,
        )
        try:
            return await self.start_session(start)
        except (InvalidInput, RoomTaken) as error:
            raise renamed(error) from error

    def _token(self, terms: TicketTerms, command: IssueTokenCommand) -> TokenRequest:
        """Return what the token shall have: what the ticket fixes, else what the client may set."""
        _settled(terms.user_identity, command.participant_identity, "participant_identity")
        # Without a name in the ticket the room is a new one.
        _settled(terms.room_name or "", command.room_name, "room_name")
        self._check_agent(terms, command.room_config)
        metadata = terms.participant_metadata
        if metadata is None:
            metadata = self.policy.metadata(command.participant_metadata)
        attributes = terms.participant_attributes
        if attributes is None:
            attributes = self.policy.attributes_of(command.participant_attributes)
        return TokenRequest(
            participant_name=_settled(
                terms.participant_name, command.participant_name, "participant_name"
            ),
            participant_metadata=_settled(
                metadata, command.participant_metadata, "participant_metadata"
            ),
            participant_attributes=_settled(
                attributes, command.participant_attributes, "participant_attributes"
            ),
            token_ttl_seconds=terms.token_ttl_seconds,
        )

    def _check_agent(self, terms: TicketTerms, room_config: Mapping[str, object] | None) -> None:
        permitted = attrs.evolve(self.policy, agent_names=(terms.agent_name,), agent_keys=())
        try:
            permitted.agent(room_config)
        except InvalidInput as error:
            raise _fixed(str(error.details["field"])) from None

    async def _with_session(self, ticket: Ticket) -> Ticket:
        """Return the ticket with a session begun; of several requests at once one begins it."""
        while ticket.sessions_begun == 0 or await self._is_over(ticket):
            if ticket.sessions_begun >= ticket.max_sessions:
                raise TicketUsed("This ticket was used; get another one from your server.")
            begun = ticket.begun(self.clock.now())
            try:
                await self.tickets.begin(begun)
            except Conflict:
                found = await self.tickets.get(ticket.id, SYSTEM)
                if found is None:
                    raise TicketUsed("This ticket was deleted.") from None
                ticket = found
            else:
                return begun
        return ticket

    async def _is_over(self, ticket: Ticket) -> bool:
        """Return whether the last session has ended after a user joined it, or was withdrawn.

        One that is not in the ledger was not stored: its request failed.
        """
        newest = await self.ledger.newest_in(ticket.room_name, ticket.access)
        if newest is None or newest.ended_at is None or ticket.begun_at is None:
            return False
        return newest.end_reason is not EndReason.ABANDONED and newest.ended_at >= ticket.begun_at


def _settled(fixed: Value | None, asked: Value | None, field: str) -> Value | None:
    """Return what the ticket fixes, else what is asked for. Raises ``InvalidInput``."""
    if fixed is None or not asked:
        return fixed if fixed is not None else asked
    if asked != fixed:
        raise _fixed(field)
    return fixed


def _fixed(field: str) -> InvalidInput:
    return InvalidInput(f"{field} differs from what the ticket fixes; leave it out.", field=field)
