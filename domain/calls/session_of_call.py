"""The session that is started for a call."""

from __future__ import annotations

import attrs

from domain.access.access import SYSTEM
from domain.agents.agent_config import AgentConfig
from domain.agents.use_agent import ChosenAgent
from domain.calls.call import Call
from domain.phone_numbers.route_call import RouteCall
from domain.sessions.phone_correlation import PhoneCorrelation
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.identifiers import Identity, RoomName
from domain.shared.ids import IdGenerator


@attrs.frozen(kw_only=True)
class SessionOfCall:
    """Make the session that begins unless the call's room has one."""

    route_call: RouteCall
    ledger: SessionStore
    clock: Clock
    ids: IdGenerator
    agent_name: str

    async def __call__(self, call: Call) -> Session:
        """Return the session by the call's route, else with the default agent.

        Raises ``StorageUnavailable``.
        """
        route = call.route
        if route is None or route.number is None:
            last = await self._last(call)
            chosen = ChosenAgent(config=AgentConfig.for_phone())
            tenant = last.tenant if last else None
        else:
            last = None
            chosen, tenant = await self.route_call.chosen(route), route.tenant
        parties = call.parties
        return Session(
            id=self.ids.session_id(),
            room_name=RoomName(parties.room_name),
            room_sid=call.room_sid,
            identity=Identity(parties.participant_identity),
            agent_name=chosen.agent_name or self.agent_name,
            agent_config=chosen.config,
            agent_id=chosen.agent_id,
            agent_version=chosen.version,
            created_at=self.clock.now(),
            token_until=last.token_until if last else None,
            tenant=tenant,
            phone=PhoneCorrelation(
                call_id=call.id,
                direction=parties.direction,
                caller_number=parties.from_number,
                called_number=parties.to_number,
            ),
        )

    async def _last(self, call: Call) -> Session | None:
        """Return the room's last session, if that was recent.

        One of its tenant's users may have come by a token that is still valid.
        """
        newest = await self.ledger.newest_in(RoomName(call.parties.room_name), SYSTEM)
        if newest is not None and newest.reserves(call.room_sid, self.clock.now()):
            return newest
        return None
