"""Decide once whose an inbound call is, and which agent answers it."""

from __future__ import annotations

from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.calls.call import Call
from domain.calls.call_facts import CallRouted
from domain.phone_numbers.phone_number import PhoneNumber
from domain.phone_numbers.route_call import RouteCall
from domain.rooms.sip_leg import Direction, SipLeg
from domain.sessions.session_store import SessionStore
from domain.shared.identifiers import RoomName


@attrs.frozen
class Routing:
    """The fact that decides a call, or the number whose webhook has to be asked for that."""

    facts: tuple[CallRouted, ...] = ()
    webhook_of: PhoneNumber | None = None

    @property
    def owner(self) -> str | None:
        """The tenant of the number that was called; None if it has none, or is not stored."""
        if self.webhook_of is not None:
            return self.webhook_of.tenant
        return self.facts[0].route.tenant if self.facts else None


UNROUTED: Final = Routing()
"""The call is decided."""


@attrs.frozen(kw_only=True)
class RouteInboundCall:
    """Make the decision as a fact, which the caller records before it acts on the call.

    Of two decisions at the same moment the one that is recorded first stays, for both.
    """

    route_call: RouteCall
    ledger: SessionStore

    async def __call__(self, known: Call | None, leg: SipLeg) -> Routing:
        """Return what decides the call.

        ``known`` is the participant's call. Raises ``StorageUnavailable``.
        """
        if leg.direction is not Direction.INBOUND or _is_decided(known):
            return UNROUTED
        if await self._is_served(known):
            return UNROUTED
        entry = await self.route_call.find(leg.to_number, leg.trunk_id)
        if entry is None:
            return Routing((CallRouted(self.route_call.by_default(leg.to_number)),))
        if entry.webhook is not None:
            return Routing(webhook_of=entry)
        return Routing((CallRouted(await self.route_call.by_number(entry)),))

    async def owner(self, leg: SipLeg) -> str | None:
        """Return the tenant of the number that was called; None if it has none, or is not stored.

        Raises ``StorageUnavailable``.
        """
        if leg.direction is not Direction.INBOUND:
            return None
        entry = await self.route_call.find(leg.to_number, leg.trunk_id)
        return None if entry is None else entry.tenant

    async def _is_served(self, call: Call | None) -> bool:
        """Return whether a session was begun for the call, before the first number was stored."""
        if call is None:
            return False
        newest = await self.ledger.newest_in(RoomName(call.parties.room_name), SYSTEM)
        return newest is not None and newest.phone is not None and newest.phone.call_id == call.id


def _is_decided(call: Call | None) -> bool:
    return call is not None and (call.route is not None or call.session_id is not None)
