"""Decide once whose an inbound call is, and which agent answers it."""

from __future__ import annotations

import attrs

from domain.access.access import SYSTEM
from domain.calls.call import Call
from domain.calls.call_facts import CallRouted
from domain.phone_numbers.route_call import RouteCall
from domain.rooms.sip_leg import Direction, SipLeg
from domain.sessions.session_store import SessionStore
from domain.shared.identifiers import RoomName


@attrs.frozen(kw_only=True)
class RouteInboundCall:
    """Make the decision as a fact, which the caller records before it acts on the call.

    Of two decisions at the same moment the one that is recorded first stays, for both.
    """

    route_call: RouteCall
    ledger: SessionStore

    async def __call__(self, known: Call | None, leg: SipLeg) -> tuple[CallRouted, ...]:
        """Return the fact that decides the call; none if it is decided, or no number is stored.

        ``known`` is the participant's call. Raises ``StorageUnavailable``.
        """
        if leg.direction is not Direction.INBOUND:
            return ()
        if known is not None and (known.route is not None or known.session_id is not None):
            return ()
        if not await self.route_call.is_needed():
            return ()
        if known is not None and await self._is_served(known):
            return ()
        entry = await self.route_call.find(leg.to_number, leg.trunk_id)
        if entry is None:
            return (CallRouted(self.route_call.by_default(leg.to_number)),)
        return (CallRouted(await self.route_call.by_number(entry)),)

    async def _is_served(self, call: Call) -> bool:
        """Return whether a session was begun for the call, before the first number was stored."""
        newest = await self.ledger.newest_in(RoomName(call.parties.room_name), SYSTEM)
        return newest is not None and newest.phone is not None and newest.phone.call_id == call.id
