"""Assign an agent to a call."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.calls.ask_before_call import ASKED_WITHIN, AskBeforeCall
from domain.calls.call import Call
from domain.calls.call_facts import (
    AgentDispatched,
    CallFact,
    ParticipantLeft,
    ParticipantSeen,
    RoomClosed,
)
from domain.calls.hang_up import HangUp
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.route_inbound_call import RouteInboundCall, Routing
from domain.calls.session_of_call import SessionOfCall
from domain.rooms.finished_rooms import FinishedRooms
from domain.rooms.room import Participant
from domain.rooms.rooms import Rooms
from domain.rooms.sip_leg import SipLeg
from domain.sessions.agent_presence import AgentPresence
from domain.sessions.ensure_agent import SOON, EnsureAgent
from domain.sessions.keep_agent import KeepAgent
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import LeftToOthers, TooEarly
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitError
from domain.shared.timeline import Source

FRESH: Final = timedelta(seconds=5)
"""How old a caller's event may be for the caller to be taken to be in the room without a question.

The age is measured from LiveKit's time of the event and from its receipt: the clocks may differ,
and a needless question does no harm.
"""

LISTED_WITHIN: Final = timedelta(seconds=2)
"""How long after its event LiveKit may not yet list a participant."""


@attrs.frozen(kw_only=True)
class AssignAgentToCall:
    """Make sure that there is an agent for a caller who has not left.

    CreateDispatch would reopen a closed room, so LiveKit is asked first wherever the caller may
    have left.
    """

    record_call_fact: RecordCallFact
    ensure_agent: EnsureAgent
    ledger: SessionStore
    finished_rooms: FinishedRooms
    rooms: Rooms
    clock: Clock
    route: RouteInboundCall
    session_of: SessionOfCall
    ask_before: AskBeforeCall
    hang_up: HangUp

    async def __call__(self, leg: SipLeg, reported: ParticipantSeen, received_at: datetime) -> Call:
        """Return the call with its agent, after its caller was ``reported`` to have joined.

        That was received at ``received_at``. A caller who has left by now never leaves a new call
        behind that is shown as live. Raises as :class:`EnsureAgent`, and
        ``TooEarly`` while LiveKit may not list the caller yet.
        """
        known = await self.record_call_fact.known(leg)
        if known is not None and (not known.is_live or known.session_id is not None):
            return await self.record_call_fact.on(known, leg, reported)
        routing = await self.route(known, leg)
        record = partial(self.record_call_fact.on, owner=routing.owner)
        if await self._is_surely_there(leg, min(reported.at, received_at)):
            call = await record(known, leg, reported, *routing.facts)
            return await self._answered(call, leg, routing)
        try:
            found = await self._found(leg, Source.API)
        except LiveKitError:
            await record(known, leg, reported)
            raise
        if found.is_there:
            facts = (reported, found.fact, *routing.facts)
            call = await record(known, leg, *facts)
            return await self._answered(call, leg, routing)
        now, due_at = self.clock.now(), received_at + LISTED_WITHIN
        if not found.room_is_gone and now < due_at:
            raise TooEarly("LiveKit may not list the caller yet.", min(now + SOON, due_at))
        if known is not None:  # one answer ends nothing: the reconciler looks again
            return await record(known, leg, reported)
        return await record(None, leg, reported, found.fact)

    async def noted(self, known: Call | None, leg: SipLeg, fact: CallFact) -> Call:
        """Return the call after ``fact``, without an agent; it is its number's tenant's if new.

        Raises ``StorageUnavailable``.
        """
        owner = await self.route.owner(leg) if known is None else None
        return await self.record_call_fact.on(known, leg, fact, owner=owner)

    async def again(self, call: Call, source: Source) -> Call:
        """Return the call with its agent, which it may have lost, on behalf of ``source``.

        LiveKit is asked whether the caller is there, and where the agent is. Raises as above, and
        :class:`~domain.shared.errors.LeftToOthers`.
        """
        if call.leg is None:
            return call  # it is being dialled: no caller waits for an agent
        found = await self._found(call.leg, source)
        if not found.is_there:
            return call  # one answer ends nothing: the reconciler looks again
        routing = await self.route(call, call.leg)
        call = await self.record_call_fact.on_known(call, found.fact, *routing.facts)
        if not await self._decided(call, found.leg, routing, source):
            return call
        return await self._served(call)

    async def is_served_by(self, call: Call, agent: Participant) -> bool:
        """Return whether ``agent`` is of the call's last session, or has its own agent's name.

        Raises ``StorageUnavailable``.
        """
        last = await self.ledger.newest_in(RoomName(call.parties.room_name), SYSTEM)
        if last is not None and agent.identity == last.agent_identity:
            return True
        if last is not None and agent.agent_name == last.agent_name:
            return True
        return agent.agent_name == (await self.session_of(call)).agent_name

    async def restored(self, session: Session, presence: AgentPresence) -> Session:
        """Return a call's session with its whole configuration if it needs another agent.

        Where STORE_AGENT_CONFIG=false the ledger has an outline of it, and the call's route the
        agent that it is made of. Raises ``StorageUnavailable``.
        """
        if session.phone is None or not session.agent_config.is_outline:
            return session
        if not KeepAgent.is_needed(presence):
            return session
        call = await self.record_call_fact.get(session.phone.call_id)
        if call is None:
            return session
        new = await self.session_of(call)
        same = (new.agent_id, new.agent_version) == (session.agent_id, session.agent_version)
        return attrs.evolve(session, agent_config=new.agent_config) if same else session

    async def joined(self, call: Call, leg: SipLeg, session: Session) -> Call:
        """Return the call of a caller who is in the room of a live session with an agent.

        ``leg`` is as LiveKit lists it; the reconciler has looked.
        """
        routing = await self.route(call, leg)
        call = await self.record_call_fact.on_known(call, *routing.facts)
        if not await self._decided(call, leg, routing, Source.RECONCILER):
            return call
        return await self._in(session, call)

    async def _answered(self, call: Call, leg: SipLeg, routing: Routing) -> Call:
        """Return the call after its event. Raises ``TooEarly`` while its webhook is asked."""
        if await self._decided(call, leg, routing, Source.WEBHOOK):
            with suppress(LeftToOthers):
                return await self._served(call)
        elif call.is_live and call.route is None:
            due_at = self.clock.now() + ASKED_WITHIN
            raise TooEarly("The call's webhook is being asked.", due_at)
        return call

    async def _decided(self, call: Call, leg: SipLeg, routing: Routing, source: Source) -> bool:
        """Return whether an agent is to serve the call.

        If not, it is over, was rejected and is hung up, or its webhook is asked first, which then
        acts on it by itself. The reconciler leaves the webhook to the call's event, which another
        replica may be handling, while that may still lead to a decision.
        """
        if not call.is_live:
            return False
        entry = routing.webhook_of
        if call.route is None and entry is not None and entry.webhook is not None:
            by_event = call.created_at + ASKED_WITHIN
            if source is not Source.RECONCILER or self.clock.now() >= by_event:
                act = partial(self.again, source=Source.API)
                self.ask_before.begin(call, leg, entry, entry.webhook, act)
            return False
        if call.is_rejected:
            await self.hang_up(call)
            return False
        return True

    async def _served(self, call: Call) -> Call:
        return await self._in(await self.ensure_agent(await self.session_of(call), SYSTEM), call)

    async def _in(self, session: Session, call: Call) -> Call:
        dispatched = AgentDispatched(session.id, self.clock.now(), session.tenant)
        return await self.record_call_fact.on_known(call, dispatched)

    async def _is_surely_there(self, leg: SipLeg, since: datetime) -> bool:
        if self.clock.now() - since > FRESH or await self.finished_rooms.has_finished(leg.room_sid):
            return False
        newest = await self.ledger.newest_in(RoomName(leg.room_name), SYSTEM)
        if newest is None:
            return True
        return newest.is_live and newest.room_sid in (None, leg.room_sid)

    async def _found(self, leg: SipLeg, source: Source) -> _Found:
        """Ask LiveKit whether the caller is in the room."""
        now = self.clock.now()
        room = await self.rooms.find(RoomName(leg.room_name))
        if room is None or room.sid != leg.room_sid:
            return _Found(RoomClosed(now, source), leg, room_is_gone=True)
        callers = {
            participant.leg.participant_sid: participant
            for participant in await self.rooms.participants(room)
            if participant.leg is not None
        }
        caller = callers.get(leg.participant_sid)
        if caller is None:
            return _Found(ParticipantLeft(now, source), leg)
        seen = ParticipantSeen(caller.leg_status, now, source)
        return _Found(seen, caller.leg or leg, is_there=True)


@attrs.frozen
class _Found:
    """What LiveKit's answer says about a caller, as a fact of the call."""

    fact: CallFact
    leg: SipLeg
    is_there: bool = False
    room_is_gone: bool = False
