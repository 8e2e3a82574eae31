"""Give a caller an agent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.agent_config import AgentConfig
from domain.call import ROOM_CLOSED, Call, PhoneLeg, Source
from domain.errors import LiveKitError, TooEarly
from domain.identifiers import Identity, RoomName
from domain.ledger import Ledger
from domain.ports.clock import Clock
from domain.ports.ids import IdGenerator
from domain.ports.inbox import Inbox
from domain.ports.rooms import Rooms
from domain.session import PhoneCorrelation, Session
from domain.use_cases.ensure_agent import EnsureAgent
from domain.use_cases.record_call import Fact, RecordCall

FRESH: Final = timedelta(seconds=5)
"""How old the news of a caller may be for an agent to be dispatched without asking LiveKit."""

ASK_AGAIN_AFTER: Final = timedelta(milliseconds=500)


@attrs.frozen(kw_only=True)
class ServeCall:
    """Sees to it that there is an agent for a caller who has not gone.

    CreateDispatch would bring a dead room back, so LiveKit is asked first wherever the caller
    may have gone.
    """

    record_call: RecordCall
    ensure_agent: EnsureAgent
    ledger: Ledger
    inbox: Inbox
    rooms: Rooms
    clock: Clock
    ids: IdGenerator
    agent_name: str

    async def __call__(self, leg: PhoneLeg, told: Fact, told_at: datetime) -> Call:
        """The call with its agent, after ``told`` was heard of a caller who joined at ``told_at``.

        What a caller who has gone by now has left behind is never shown as a live call. Raises as
        :class:`EnsureAgent`, and :class:`~domain.errors.TooEarly` while LiveKit cannot tell yet
        whether the caller is there; what was told is recorded all the same.
        """
        known = await self.record_call.known(leg)
        if known is not None and (not known.is_live or known.session_id is not None):
            return await self.record_call.on(known, leg, told)
        if await self._is_surely_there(leg, told_at):
            call = await self.record_call.on(known, leg, told)
        else:
            try:
                found = await self._found(leg, Source.API)
            except (LiveKitError, TooEarly):
                await self.record_call.on(known, leg, told)
                raise
            call = await self.record_call.on(known, leg, lambda call: found(told(call)))
        return await self._with_agent(call)

    async def again(self, call: Call, source: Source) -> Call:
        """The call with its agent, whom it may have lost; who asks is ``source``. Raises as above.

        LiveKit is asked whether the caller is there, and where the agent is.
        """
        found = await self._found(call.leg, source)
        return await self._with_agent(await self.record_call.on(call, call.leg, found))

    async def _with_agent(self, call: Call) -> Call:
        if not call.is_live:
            return call
        session = await self.ensure_agent(self._candidate(call))
        now = self.clock.now()
        return await self.record_call.on(
            call, call.leg, lambda known: known.served_by(session.id, now, session.tenant)
        )

    async def _is_surely_there(self, leg: PhoneLeg, told_at: datetime) -> bool:
        if self.clock.now() - told_at > FRESH or await self.inbox.has_finished(leg.room_sid):
            return False
        newest = await self.ledger.newest_in(RoomName(leg.room_name))
        if newest is None:
            return True
        return newest.is_live and newest.room_sid in (None, leg.room_sid)

    async def _found(self, leg: PhoneLeg, source: Source) -> Fact:
        """What LiveKit says of the caller."""
        now = self.clock.now()
        room = await self.rooms.find(RoomName(leg.room_name))
        if room is None or room.sid != leg.room_sid:
            return lambda call: call.gone(now, source, reason=ROOM_CLOSED)
        callers = {
            who.leg.participant_sid: who
            for who in await self.rooms.participants(room)
            if who.leg is not None
        }
        caller = callers.get(leg.participant_sid)
        if caller is not None:
            status = caller.leg_status
            return lambda call: call.seen(status, now, source)
        if leg.may_be_unlisted(now):
            raise TooEarly("LiveKit may not list the caller yet.", now + ASK_AGAIN_AFTER)
        return lambda call: call.gone(now, source)

    def _candidate(self, call: Call) -> Session:
        """The session that is started for the call unless its room has one."""
        leg = call.leg
        return Session(
            id=self.ids.session_id(),
            room_name=RoomName(leg.room_name),
            room_sid=leg.room_sid,
            identity=Identity(leg.participant_identity),
            agent_name=self.agent_name,
            agent_config=AgentConfig.for_phone(),
            created_at=self.clock.now(),
            phone=PhoneCorrelation(
                call_id=call.id,
                direction=leg.direction,
                caller_number=leg.from_number,
                called_number=leg.to_number,
            ),
        )
