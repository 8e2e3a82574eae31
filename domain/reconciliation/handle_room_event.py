"""Record what a webhook event reports, and act on it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import attrs

from domain.access.access import SYSTEM
from domain.calls.assign_agent import LISTED_WITHIN, AssignAgentToCall
from domain.calls.call import Call
from domain.calls.call_facts import ParticipantLeft, ParticipantSeen, RoomClosed
from domain.calls.record_call_fact import RecordCallFact
from domain.calls.repository import CallWork
from domain.reconciliation.begin_again import BeginAgain
from domain.reconciliation.event_relevance import EventRelevance, Subject
from domain.reconciliation.remove_late_agent import RemoveLateAgent
from domain.rooms.room import Participant, Room
from domain.rooms.room_event import EventKind, RoomEvent
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.agent_timeouts import TAKEN_WITHIN
from domain.sessions.ensure_agent import SOON
from domain.sessions.find_agent import FindAgent
from domain.sessions.hold_ended_room import HoldEndedRoom
from domain.sessions.keep_agent import KeepAgent
from domain.sessions.remove_agent import RemoveAgent
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import ClaimHeld, LeftToOthers, TooEarly
from domain.shared.identifiers import RoomName
from domain.shared.timeline import Source
from domain.shared.unit_of_work import UnitOfWorkFactory


@attrs.frozen(kw_only=True)
class HandleRoomEvent:
    """Handle events that may be late, repeated, reordered or lost; a repeated one changes nothing.

    With ``dispatch_on_any_join`` every person who joins gets an agent, not only callers and users
    of sessions (debugging).
    """

    unit_of_work: UnitOfWorkFactory[CallWork]
    ledger: SessionStore
    record_call_fact: RecordCallFact
    assign_agent: AssignAgentToCall
    begin_again: BeginAgain
    find_agent: FindAgent
    keep_agent: KeepAgent
    remove_agent: RemoveAgent
    remove_late_agent: RemoveLateAgent
    hold_room: HoldEndedRoom
    clock: Clock
    relevance: EventRelevance = attrs.field(factory=EventRelevance)
    dispatch_on_any_join: bool = False

    async def __call__(self, event: RoomEvent, received_at: datetime) -> None:
        """Handle ``event``, which was received at ``received_at``.

        Raises :class:`~domain.shared.errors.ClaimHeld`, :class:`~domain.shared.errors.Conflict` and
        :class:`~domain.shared.errors.TooEarly` when it should be tried again, other errors as
        :class:`AssignAgentToCall`.
        """
        participant = event.participant
        traits = participant.traits if participant else None
        subject = self.relevance.subject(event.kind, event.room.name, traits)
        if subject is Subject.ROOM:
            await self._room_finished(event)
        elif participant is None or subject is None:
            return
        elif subject is Subject.CALLER:
            await self._caller(event, participant, received_at)
        elif subject is Subject.PERSON:
            await self._person_joined(event.room, participant, received_at)
        elif event.kind is EventKind.PARTICIPANT_JOINED:
            await self._agent_joined(event, participant, received_at)
        else:
            await self._agent_left(event.room, participant)

    async def _caller(
        self, event: RoomEvent, participant: Participant, received_at: datetime
    ) -> None:
        leg, status = participant.leg, participant.leg_status
        assert leg is not None  # noqa: S101 - for mypy; the caller has looked
        if event.kind is EventKind.PARTICIPANT_JOINED:
            joined = ParticipantSeen(status, event.at, Source.WEBHOOK)
            await self.assign_agent(leg, joined, received_at)
            return
        left = ParticipantLeft(
            event.at,
            Source.WEBHOOK,
            reason=event.disconnect_reason,
            last_status=status,
            aborted=event.kind is EventKind.PARTICIPANT_CONNECTION_ABORTED,
        )
        await self.assign_agent.noted(await self.record_call_fact.known(leg), leg, left)
        await self._caller_left(event.room, leg.participant_sid)

    async def _caller_left(self, room: Room, participant_sid: str) -> None:
        """Remove the agent of a caller who hung up while it was on its way."""
        if await self._live_calls(room):
            return
        session = await self._unclaimed(room)
        if session is None or session.phone is None or session.status is SessionStatus.ACTIVE:
            return  # an agent that is there leaves with the room, which LiveKit closes
        contents = await self.find_agent.contents(session.room_name)
        if contents is None or contents.room.sid != room.sid:
            return
        others = [
            other
            for other in contents.participants
            if other.leg is None or other.leg.participant_sid != participant_sid
        ]
        contents = attrs.evolve(contents, participants=others)
        presence = await self.find_agent.judge(session, contents)
        if presence.state is AgentState.IN_ROOM:
            await self.keep_agent.record(session, presence, Source.WEBHOOK)
        elif not contents.has_people:
            await self.remove_agent(session, EndReason.ROOM_FINISHED, Source.WEBHOOK)

    async def _agent_joined(
        self, event: RoomEvent, agent: Participant, received_at: datetime
    ) -> None:
        session = await self._unclaimed(event.room)
        if session is None:
            await self.remove_late_agent(event.room)
            return
        if agent.agent_name is not None:
            await self.remove_late_agent.beside(session, event.room, [agent])
        # A worker that does not say its name is known by its job, which is listed later.
        if agent.agent_name != session.agent_name or received_at < session.created_at:
            return
        known = session.status is SessionStatus.ACTIVE and session.room_sid == event.room.sid
        if known and session.agent_identity in (None, agent.identity):
            return
        dispatched_at = session.dispatched_at or session.created_at
        if (
            session.status is SessionStatus.AGENT_DISPATCHED
            and session.room_sid in (None, event.room.sid)
            and event.at >= dispatched_at  # an earlier agent may have joined before that
        ):
            seen = SeenAgent(identity=agent.identity)
            await self.keep_agent.seen(session, event.room, seen, Source.WEBHOOK)
            return
        presence = await self.find_agent(session, thorough=True)
        if presence.state is AgentState.ROOM_CLOSED or presence.is_missing:
            return  # one answer without an agent ends nothing: the reconciler looks again
        session = await self.keep_agent.record(session, presence, Source.WEBHOOK)
        await self.keep_agent.remove_surplus(session, presence)
        unlisted = presence.surplus_agents and not presence.surplus_dispatches
        if unlisted or presence.is_undecided:
            # The dispatch that brought it must not bring another one.
            due_at = self.clock.now() + TAKEN_WITHIN
            raise TooEarly("LiveKit does not list the agent's dispatch yet.", due_at)

    async def _agent_left(self, room: Room, agent: Participant) -> None:
        session = await self._unclaimed(room)
        if session is None:
            calls = await self._live_calls(room)
            if calls and await self.assign_agent.is_served_by(calls[0], agent):
                with suppress(LeftToOthers):
                    await self.assign_agent.again(calls[0], Source.API)
            return
        if session.room_sid not in (None, room.sid):
            return
        is_its = session.agent_identity in (None, agent.identity)
        if not is_its or agent.agent_name not in (None, session.agent_name):
            return
        await self._keep(session, await self.find_agent(session, left=(agent.identity,)))

    async def _keep(self, session: Session, presence: AgentPresence) -> bool:
        """Keep one agent in the room; return False where LiveKit lists no person who needs it."""
        if presence.state is AgentState.ROOM_CLOSED:
            return True
        restored = await self.assign_agent.restored(session, presence)
        kept = await self.keep_agent(restored, presence, Source.WEBHOOK)
        if not kept.agent_dispatched and kept.retry_at and self.keep_agent.is_needed(presence):
            raise TooEarly("The next dispatch waits for its back-off.", kept.retry_at)
        return presence.has_people or not presence.is_missing

    async def _person_joined(self, room: Room, person: Participant, received_at: datetime) -> None:
        """Dispatch an agent for a person who joins a room without one."""
        if await self._agent_for(room, person):
            return
        if (now := self.clock.now()) < (due_at := received_at + LISTED_WITHIN):
            raise TooEarly("LiveKit may not list the person yet.", min(now + SOON, due_at))

    async def _agent_for(self, room: Room, participant: Participant) -> bool:
        """Dispatch it; return False where LiveKit lists no person for it yet."""
        session = await self.ledger.live_in(RoomName(room.name), SYSTEM)
        if session is not None and session.room_sid in (None, room.sid):
            if session.agent_dispatched:
                return True
            session = await self._unclaimed(room)
            if session is not None:
                return await self._keep(session, await self.find_agent(session))
        elif session is not None and not await self._is_replaced(session, room):
            return True
        newest = await self.begin_again.newest(room)
        reopened = await self.begin_again.reopened(newest, room, Source.WEBHOOK)
        if reopened is not None:
            return await self._keep(reopened, await self.find_agent(reopened))
        return await self._begun(room, participant, newest)

    async def _begun(self, room: Room, participant: Participant, newest: Session | None) -> bool:
        last = await self.begin_again.last(newest)
        if last is not None:
            return await self.begin_again.like(last, room) is not None
        ignored = not self.dispatch_on_any_join or self.relevance.selection.ignores_room(room.name)
        return ignored or await self.begin_again.for_anyone(room, participant.identity) is not None

    async def _is_replaced(self, session: Session, room: Room) -> bool:
        """Whether the session has ended, because ``room`` has taken the place of its room."""
        if session.join_until is None:
            return False
        current = await self._unclaimed(room)
        if current is not None:
            if not await self.find_agent.is_replaced(current, room):
                return False
            now = self.clock.now()
            await self.ledger.save(current.ended(EndReason.ROOM_FINISHED, now, Source.WEBHOOK))
        return True

    async def _room_finished(self, event: RoomEvent) -> None:
        for call in await self._live_calls(event.room):
            await self.record_call_fact.on_known(call, RoomClosed(event.at, Source.WEBHOOK))
        session = await self._unclaimed(event.room)
        if session is None or session.room_sid not in (None, event.room.sid):
            return
        # A dispatch may have brought the room back since.
        if (await self.find_agent(session)).state is AgentState.ROOM_CLOSED:
            await self.ledger.save(session.ended(EndReason.ROOM_FINISHED, event.at, Source.WEBHOOK))

    async def _live_calls(self, room: Room) -> list[Call]:
        async with self.unit_of_work() as work:
            return await work.calls.live_in(room.sid, SYSTEM)

    async def _unclaimed(self, room: Room) -> Session | None:
        """Return the room's live session. Raises :class:`ClaimHeld` while a request works on it.

        To its holder any change would look like a lost claim.
        """
        session = await self.ledger.live_in(RoomName(room.name), SYSTEM)
        if session is not None and session.claim.is_held(self.clock.now()):
            raise ClaimHeld("Another request is starting or ending this session.")
        return await self.hold_room.released(session)
