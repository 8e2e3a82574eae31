"""Record what was found of a session's agent, and replace one that is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

from domain.rooms.dispatcher import Dispatcher
from domain.rooms.room import Room
from domain.rooms.rooms import Rooms
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.dispatch_agent import DispatchAgent
from domain.sessions.seen_agent import SeenAgent
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.ids import IdGenerator
from domain.shared.livekit_errors import LiveKitError
from domain.shared.timeline import Source


@attrs.frozen(kw_only=True)
class KeepAgent:
    """Keep exactly one agent in the room of a live session while a person is there.

    ``joined`` gets the time that each agent took from its dispatch until it joined.
    """

    ledger: SessionStore
    dispatch_agent: DispatchAgent
    dispatcher: Dispatcher
    rooms: Rooms
    clock: Clock
    ids: IdGenerator
    lease: timedelta
    joined: Callable[[timedelta], None] = lambda _latency: None

    async def __call__(self, session: Session, presence: AgentPresence, source: Source) -> Session:
        """Record ``presence``, act on it, and return the session.

        An agent that is missing is dispatched again while a person is in the room, but not before
        the session's ``retry_at``. Raises :class:`~domain.shared.errors.ClaimHeld`,
        ``Conflict``, ``LiveKitError`` or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        session = await self.record(session, presence, source)
        now = self.clock.now()
        if not self.is_needed(presence) or not session.may_retry(now):
            return session
        claimed = session.claimed(self.ids.claim_holder(), now, self.lease)
        return await self.dispatch_agent(await self.ledger.save(claimed))

    @staticmethod
    def is_needed(presence: AgentPresence) -> bool:
        """Whether a person waits in the room for an agent that is not on its way."""
        return presence.is_missing and presence.has_people

    async def record(self, session: Session, presence: AgentPresence, source: Source) -> Session:
        """Record ``presence`` and return the session. Raises as above."""
        now = self.clock.now()
        if presence.state is AgentState.IN_ROOM and presence.room is not None:
            seen = presence.agent or SeenAgent()
            return await self.seen(session, presence.room, seen, source)
        left = session.status is SessionStatus.ACTIVE
        if presence.is_expected and (
            left or presence.dispatch_id not in (None, session.dispatch_id)
        ):
            before = session.without_agent(now, source) if left else session
            return await self.ledger.save(self._expecting(before, presence, now, source))
        if presence.is_missing and session.agent_dispatched:
            taken = presence.state is not AgentState.NOT_TAKEN
            return await self.ledger.save(session.without_agent(now, source, taken=taken))
        if presence.is_missing and session.claim.is_unsettled and not presence.has_people:
            # What became of a dispatch is settled: there is none.
            failed = session.status is SessionStatus.DISPATCH_FAILED
            return await self.ledger.save(
                session.settled() if failed else session.with_dispatch_failed(now, uncertain=False)
            )
        return session

    async def seen(self, session: Session, room: Room, agent: SeenAgent, source: Source) -> Session:
        """Return the session after its agent was seen in ``room``. Raises as above."""
        known = (
            session.status is SessionStatus.ACTIVE
            and session.room_sid == room.sid
            and agent.identity in (None, session.agent_identity)
        )
        if known and not session.claim.is_unsettled:
            return session
        active = session.activated(room.sid, self.clock.now(), agent, source)
        stored = await self.ledger.save(active)
        if stored.agent_joined_at != session.agent_joined_at and stored.join_latency is not None:
            self.joined(stored.join_latency)
        return stored

    async def remove_surplus(self, session: Session, presence: AgentPresence) -> int:
        """Remove agents and dispatches beside the one that is kept; return how many they were.

        Raises :class:`~domain.shared.livekit_errors.LiveKitError`.
        """
        for dispatch_id in presence.surplus_dispatches:
            await self.dispatcher.delete(session.room_name, dispatch_id)
        for identity in presence.surplus_agents:
            # A job that LiveKit lists late is not ended with its dispatch.
            await self.rooms.remove_participant(session.room_name, identity)
        return len(presence.surplus_agents) or len(presence.surplus_dispatches)

    @staticmethod
    def _expecting(
        session: Session, presence: AgentPresence, now: datetime, source: Source
    ) -> Session:
        """Return the session that waits for a dispatch which the ledger did not know."""
        dispatch_id = presence.dispatch_id or ""
        if presence.adopted:
            return session.with_agent_adopted(dispatch_id, now, source)
        return session.with_agent_dispatched(dispatch_id, now)


async def delete_dispatches(dispatcher: Dispatcher, session: Session) -> None:
    """Delete the dispatches that may still bring an agent into the session's room.

    What LiveKit cannot do now is done once the agent has come: it is removed with the room that it
    reopened.
    """
    try:
        for dispatch in await dispatcher.list(session.room_name):
            if dispatch.agent_name == session.agent_name:
                await dispatcher.delete(session.room_name, dispatch.id)
    except LiveKitError:
        return
