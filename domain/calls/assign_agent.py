"""Give a caller an agent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.agents.agent_config import AgentConfig
from domain.calls.call import ROOM_CLOSED, Call
from domain.calls.record_call_fact import Fact, RecordCallFact
from domain.rooms.finished_rooms import FinishedRooms
from domain.rooms.rooms import Rooms
from domain.rooms.sip_leg import SipLeg
from domain.sessions.ensure_agent import SOON, EnsureAgent
from domain.sessions.session import PhoneCorrelation, Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import LeftToOthers, LiveKitError, TooEarly
from domain.shared.identifiers import Identity, RoomName
from domain.shared.ids import IdGenerator
from domain.shared.timeline import Source

FRESH: Final = timedelta(seconds=5)
"""How old a caller's event may be for LiveKit not to be asked about them.

By when it was received, and by what LiveKit dates it; its clock may differ, and to ask needlessly
does no harm.
"""

LISTED_WITHIN: Final = timedelta(seconds=2)
"""How long after its event LiveKit may not yet list a participant."""


@attrs.frozen(kw_only=True)
class AssignAgentToCall:
    """Sees to it that there is an agent for a caller who has not gone.

    CreateDispatch would bring a dead room back, so LiveKit is asked first wherever the caller
    may have gone.
    """

    record_call_fact: RecordCallFact
    ensure_agent: EnsureAgent
    ledger: SessionStore
    finished_rooms: FinishedRooms
    rooms: Rooms
    clock: Clock
    ids: IdGenerator
    agent_name: str

    async def __call__(
        self, leg: SipLeg, told: Fact, told_at: datetime, received_at: datetime
    ) -> Call:
        """The call with its agent, after ``told`` was heard at ``received_at`` of its caller.

        LiveKit dates that to ``told_at``. A caller who has gone by now never leaves a new call
        behind that is shown as live. Raises as :class:`EnsureAgent`, and
        ``TooEarly`` while LiveKit cannot tell yet whether the caller is there.
        """
        known = await self.record_call_fact.known(leg)
        if known is not None and (not known.is_live or known.session_id is not None):
            return await self.record_call_fact.on(known, leg, told)
        if await self._is_surely_there(leg, min(told_at, received_at)):
            return await self._with_agent(await self.record_call_fact.on(known, leg, told))
        try:
            found = await self._found(leg, Source.API)
        except LiveKitError:
            await self.record_call_fact.on(known, leg, told)
            raise
        if found.is_there:
            return await self._with_agent(
                await self.record_call_fact.on(known, leg, lambda call: found.fact(told(call)))
            )
        now, due_at = self.clock.now(), received_at + LISTED_WITHIN
        if not found.room_is_gone and now < due_at:
            raise TooEarly("LiveKit may not list the caller yet.", min(now + SOON, due_at))
        if known is not None:  # one answer ends nothing: the reconciler looks again
            return await self.record_call_fact.on(known, leg, told)
        return await self.record_call_fact.on(None, leg, lambda call: found.fact(told(call)))

    async def again(self, call: Call, source: Source) -> Call:
        """The call with its agent, whom it may have lost; who asks is ``source``.

        LiveKit is asked whether the caller is there, and where the agent is. Raises as above, and
        :class:`~domain.shared.errors.LeftToOthers`.
        """
        found = await self._found(call.leg, source)
        if not found.is_there:
            return call  # one answer ends nothing: the reconciler looks again
        return await self._served(await self.record_call_fact.on(call, call.leg, found.fact))

    async def _with_agent(self, call: Call) -> Call:
        try:
            return await self._served(call)
        except LeftToOthers:
            return call

    async def _served(self, call: Call) -> Call:
        if not call.is_live:
            return call
        session = await self.ensure_agent(await self._candidate(call), SYSTEM)
        now = self.clock.now()
        return await self.record_call_fact.on(
            call, call.leg, lambda known: known.served_by(session.id, now, session.tenant)
        )

    async def _is_surely_there(self, leg: SipLeg, since: datetime) -> bool:
        if self.clock.now() - since > FRESH or await self.finished_rooms.has_finished(leg.room_sid):
            return False
        newest = await self.ledger.newest_in(RoomName(leg.room_name), SYSTEM)
        if newest is None:
            return True
        return newest.is_live and newest.room_sid in (None, leg.room_sid)

    async def _found(self, leg: SipLeg, source: Source) -> _Found:
        """What LiveKit says of the caller."""
        now = self.clock.now()
        room = await self.rooms.find(RoomName(leg.room_name))
        if room is None or room.sid != leg.room_sid:
            return _Found(
                lambda call: call.gone(now, source, reason=ROOM_CLOSED), room_is_gone=True
            )
        callers = {
            one.leg.participant_sid: one
            for one in await self.rooms.participants(room)
            if one.leg is not None
        }
        caller = callers.get(leg.participant_sid)
        if caller is None:
            return _Found(lambda call: call.gone(now, source))
        status = caller.leg_status
        return _Found(lambda call: call.seen(status, now, source), is_there=True)

    async def _candidate(self, call: Call) -> Session:
        """The session that is started for the call unless its room has one.

        It is the tenant's whose session had the room last, if that was lately: a user of theirs may
        have come by a token that is still valid.
        """
        leg = call.leg
        newest = await self.ledger.newest_in(RoomName(leg.room_name), SYSTEM)
        tenant = None
        if newest is not None and (
            newest.room_sid == leg.room_sid or newest.was_lately(self.clock.now())
        ):
            tenant = newest.tenant
        return Session(
            id=self.ids.session_id(),
            room_name=RoomName(leg.room_name),
            room_sid=leg.room_sid,
            identity=Identity(leg.participant_identity),
            agent_name=self.agent_name,
            agent_config=AgentConfig.for_phone(),
            created_at=self.clock.now(),
            tenant=tenant,
            phone=PhoneCorrelation(
                call_id=call.id,
                direction=leg.direction,
                caller_number=leg.from_number,
                called_number=leg.to_number,
            ),
        )


@attrs.frozen
class _Found:
    """What LiveKit's answer tells of a caller, as a fact of their call."""

    fact: Fact
    is_there: bool = False
    room_is_gone: bool = False
