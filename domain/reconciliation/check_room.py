"""Look into one room, and repair what differs from the ledger."""

from __future__ import annotations

from collections import Counter

import attrs

from domain.calls.assign_agent import AssignAgentToCall
from domain.calls.call import Call, CallStatus
from domain.calls.call_facts import ParticipantSeen
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.room_calls import fingerprint
from domain.reconciliation.absences import Absences
from domain.reconciliation.begin_again import BeginAgain
from domain.reconciliation.remove_late_agent import RemoveLateAgent
from domain.reconciliation.repairs import repair_between, why_over
from domain.reconciliation.room_choice import RoomLook, agent_key
from domain.reconciliation.room_selection import RoomSelection
from domain.rooms.room import Participant, Room
from domain.rooms.rooms import Rooms
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.find_agent import FindAgent
from domain.sessions.keep_agent import KeepAgent
from domain.sessions.remove_agent import RemoveAgent
from domain.sessions.room_contents import RoomContents
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import LeftToOthers
from domain.shared.identifiers import RoomName
from domain.shared.timeline import Source


@attrs.frozen(kw_only=True)
class CheckRoom:
    """Compare a room's participants with its session and calls.

    Without ``telephony`` telephones are participants like others.
    """

    rooms: Rooms
    ledger: SessionStore
    record_call_fact: RecordCallFact
    assign_agent: AssignAgentToCall
    find_agent: FindAgent
    keep_agent: KeepAgent
    remove_agent: RemoveAgent
    remove_late_agent: RemoveLateAgent
    begin_again: BeginAgain
    clock: Clock
    selection: RoomSelection = attrs.field(factory=RoomSelection)
    telephony: bool = True

    async def __call__(  # noqa: PLR0913 - the room, what the ledger has, and the cycle
        self,
        room: Room,
        session: Session | None,
        calls: list[Call],
        absences: Absences,
        repairs: Counter[str],
        *,
        first: bool,
        left_to_others: bool = False,
    ) -> RoomLook:
        """Look into ``room``, count what was repaired in ``repairs``; return what was found.

        ``session`` and ``calls`` are the ledger's live ones there. On the ``first`` look since
        either changed, dispatches are listed too. A room that an earlier look ``left_to_others``
        stays theirs after their agent has left. Raises as ``KeepAgent`` and ``AssignAgentToCall``.
        """
        look = _Look(self, room, absences, repairs, left_to_others)
        return await look(session, calls, first=first)


@attrs.define
class _Look:
    """One look at one room. Calls come before a session that waits for its user: it may end."""

    use: CheckRoom
    room: Room
    absences: Absences
    repairs: Counter[str]
    left_to_others: bool
    had_surplus: bool = False

    async def __call__(
        self, session: Session | None, calls: list[Call], *, first: bool
    ) -> RoomLook:
        participants = await self.use.rooms.participants(self.room)
        live = await self._callers(calls, participants) if self.use.telephony else []
        contents = RoomContents(room=self.room, participants=participants)
        session = session or await self._reopened()
        listed = [call for call in live if not self.absences.is_noted(str(call.id))]
        elsewhere = self.left_to_others
        calls_first = session is not None and session.is_unused and listed and not elsewhere
        if session is not None and not calls_first:
            session = await self._agent(session, contents, live, first=first)
        if (session is None or calls_first) and listed and not elsewhere:
            elsewhere = not await self._serve(listed)
        elif session is None and not live:
            session = await self._without_session(contents)
        return RoomLook(
            calls=fingerprint(call.id for call in live),
            session_version=None if session is None else session.version,
            left_to_others=elsewhere,
            had_surplus=self.had_surplus,
        )

    async def _without_session(self, contents: RoomContents) -> Session | None:
        """Return a session for the people in a room without one, if they are to have one."""
        if contents.has_people:
            begun = await self.use.begin_again(self.room)
            if begun is not None and begun.agent_dispatched:
                self.repairs["agent_dispatched"] += 1
            return begun
        if await self.use.remove_late_agent(self.room):
            self.repairs["late_agent_removed"] += 1
        return None

    async def _reopened(self) -> Session | None:
        """Return the room's session again where its end was concluded too early."""
        newest = await self.use.begin_again.newest(self.room)
        again = await self.use.begin_again.reopened(newest, self.room, Source.RECONCILER)
        if again is not None:
            self.repairs["session_reopened"] += 1
        return again

    async def _callers(self, calls: list[Call], participants: list[Participant]) -> list[Call]:
        """Return the room's live calls, updated from its participants.

        Those whose callers are missing are among them: the reconciler ends them, once confirmed.
        """
        callers = {
            participant.leg.participant_sid: participant
            for participant in participants
            if participant.leg is not None and not self.use.selection.ignores_call(participant.leg)
        }
        live = []
        for call in calls:
            if call.leg is None:  # it is being dialled: no participant of it is missing yet
                continue
            caller = callers.pop(call.leg.participant_sid, None)
            if caller is None:
                self.absences.note(str(call.id), self.use.clock.now())
                live.append(call)
            else:
                live.append(await self._note(call, caller))
        if callers:
            # LiveKit lists by name: make sure that these are in this instance.
            found = await self.use.rooms.find(RoomName(self.room.name))
            if found is not None and found.sid == self.room.sid:
                live += [await self._note(None, caller) for caller in callers.values()]
        return [call for call in live if call.is_live]  # some are listed after they have left

    async def _note(self, call: Call | None, caller: Participant) -> Call:
        assert caller.leg is not None  # noqa: S101 - for mypy; only callers are noted
        if call is not None and call.status is CallStatus.ACTIVE:
            return call
        before = call or await self.use.record_call_fact.known(caller.leg)
        seen = ParticipantSeen(caller.leg_status, self.use.clock.now(), Source.RECONCILER)
        noted = await self.use.assign_agent.noted(before, caller.leg, seen)
        if before is None:
            self.repairs["call_added"] += 1
        elif noted.is_live and not before.is_live:
            self.repairs["call_reopened"] += 1
        elif noted.status is not before.status:
            self.repairs["call_followed"] += 1
        return noted

    async def _serve(self, calls: list[Call]) -> bool:
        """Give callers without a session an agent; return whether that is ours to do."""
        served = []
        for call in calls:
            try:
                served.append(await self.use.assign_agent.again(call, Source.RECONCILER))
            except LeftToOthers:
                return False
        if any(call.is_live and call.session_id is not None for call in served):
            self.repairs["agent_dispatched"] += 1
        return True

    async def _agent(
        self, session: Session, contents: RoomContents, calls: list[Call], *, first: bool
    ) -> Session | None:
        """Return the session after what was found of its agent; None if it ended."""
        if session.claim.is_held(self.use.clock.now()):
            return session
        if session.only_holds_room:  # its holder died
            await self.use.ledger.save(session.ended_again())
            return None
        if session.room_sid in (None, self.room.sid):
            presence = await self.use.find_agent.judge(session, contents, thorough=first)
        else:
            presence = await self.use.find_agent(session)
        if why := why_over(session, presence, self.use.clock.now()):
            return await self._end(session, presence, why)
        if not calls and self._is_deserted(session, presence):
            await self.use.remove_agent(session, EndReason.ROOM_FINISHED, Source.RECONCILER)
            self.repairs["agent_withdrawn"] += 1
            return None
        if not self._is_confirmed(session, presence):
            return session
        return await self._keep(session, presence, calls, contents)

    async def _end(self, session: Session, found: AgentPresence, why: EndReason) -> Session | None:
        if found.room is None:
            return session  # it has just closed, which later cycles confirm
        await self.use.ledger.save(session.ended(why, self.use.clock.now(), Source.RECONCILER))
        self.repairs["session_ended"] += 1
        return None

    def _is_deserted(self, session: Session, presence: AgentPresence) -> bool:
        """Whether a caller's agent is alone, or on its way to an empty room.

        An agent that serves the caller's own room instance leaves when LiveKit closes that. LiveKit
        reports the number of people up to 5 s late.
        """
        if session.phone is None or presence.has_people or self.room.people:
            return False
        is_own = session.room_sid in (None, self.room.sid)
        return not is_own or presence.state is not AgentState.IN_ROOM

    def _is_confirmed(self, session: Session, presence: AgentPresence) -> bool:
        """Whether an agent that no webhook said had left was missing at an earlier look too."""
        if presence.state is not AgentState.LEFT:
            return True
        missing_for = self.absences.note(agent_key(session), self.use.clock.now())
        return self.absences.is_confirmed(missing_for)

    async def _keep(
        self, session: Session, presence: AgentPresence, calls: list[Call], contents: RoomContents
    ) -> Session:
        restored = await self.use.assign_agent.restored(session, presence)
        kept = await self.use.keep_agent(restored, presence, Source.RECONCILER)
        beside, agents = self.use.remove_late_agent.beside, contents.all_agents
        if late := await beside(kept, self.room, agents):
            self.repairs["late_agent_removed"] += late
        if repair := repair_between(session, kept, presence):
            self.repairs[repair] += 1
        self.had_surplus = presence.is_undecided or bool(presence.surplus_agents)
        if presence.has_surplus:
            removed = await self.use.keep_agent.remove_surplus(kept, presence)
            self.repairs["surplus_removed"] += removed
        for call in calls if kept.agent_dispatched else ():
            if call.session_id is None and call.leg is not None:
                leg = contents.leg_of(call.leg.participant_sid) or call.leg
                await self.use.assign_agent.joined(call, leg, kept)
        return kept
