"""Ensure that a room has a live session with exactly one agent."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM, Access
from domain.rooms.room import Room
from domain.sessions.agent_presence import AgentPresence, AgentState
from domain.sessions.dispatch_agent import DispatchAgent
from domain.sessions.find_agent import FindAgent
from domain.sessions.judge_presence import presence_of
from domain.sessions.keep_agent import KeepAgent
from domain.sessions.late_agents import LateAgents, find_late_agents, recently_ended
from domain.sessions.room_contents import RoomContents
from domain.sessions.room_novelty import RoomNovelty
from domain.sessions.session import Session
from domain.sessions.session_limit import SessionLimit
from domain.sessions.session_status import EndReason, SessionStatus
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import ClaimHeld, LeftToOthers, RoomTaken, TooEarly
from domain.shared.identifiers import RoomName
from domain.shared.ids import IdGenerator
from domain.shared.livekit_errors import LiveKitError
from domain.shared.timeline import Source

SOON: Final = timedelta(milliseconds=500)


@attrs.frozen(kw_only=True)
class EnsureAgent:
    """Makes one attempt; several at once still dispatch one agent.

    The session and its claim are durable before LiveKit is called. ``lease`` is how long the
    claim is held: longer than one LiveKit API call can take. ``agent_name`` is the default agent's,
    which is surplus beside a session with another agent.
    """

    ledger: SessionStore
    find_agent: FindAgent
    keep_agent: KeepAgent
    dispatch_agent: DispatchAgent
    clock: Clock
    ids: IdGenerator
    lease: timedelta
    limit: SessionLimit
    agent_name: str

    async def __call__(
        self,
        candidate: Session,
        access: Access,
        *,
        room: RoomNovelty = RoomNovelty.NAMED,
    ) -> Session:
        """Return the room's live session with its agent in the room or on its way.

        That is ``candidate`` if the room has no live session. ``room`` says what is known of the
        room's name. Before the first dispatch into a room that a caller named, LiveKit is asked,
        and an agent of ours in that room is adopted: the ledger may be new, restored or not the
        only one that dispatches.

        Raises ``RoomTaken`` if the live session is not visible to ``access``, or users of an
        earlier one that is not visible may still join, or LiveKit has another program's room;
        :class:`~domain.shared.errors.TooManySessions`; :class:`~domain.shared.errors.ClaimHeld` or
        :class:`~domain.shared.errors.Conflict` when another request works on the session;
        :class:`~domain.shared.errors.LeftToOthers` for a caller in a room with another agent;
        ``LiveKitError``, ``SessionEnded`` or
        :class:`~domain.shared.errors.StorageUnavailable`.
        """
        session = None
        if room is not RoomNovelty.UNKNOWN_TO_ALL:
            session = await self.ledger.live_in(candidate.room_name, SYSTEM)
        if session is not None:
            session = await self._joined(session, candidate, access)
            if session is not None and session.agent_dispatched:
                return await self._with_token(session, candidate.token_until)
        elif room is not RoomNovelty.UNKNOWN_TO_ALL:
            until = await self.refuse_another_s(candidate.room_name, access)
            candidate = candidate.with_token_until(until)
        if session is not None:
            return await self._again(session, candidate)
        if room is RoomNovelty.NAMED:
            return await self._begin(candidate, await self._looked(candidate, access))
        return await self._begin(candidate, None)

    async def _looked(self, candidate: Session, access: Access) -> AgentPresence | None:
        """Look for an agent; record a session for a later attempt if LiveKit does not answer."""
        try:
            return await self._look(candidate, access)
        except LiveKitError:
            if access.sees(None):  # else the room may be another tenant's
                await self._begin_failed(candidate)
            raise

    async def _joined(self, session: Session, new: Session, access: Access) -> Session | None:
        """The live session after a look at its agent; None once its room has closed."""
        if not session.only_holds_room and not access.sees(session.tenant):
            raise room_taken(session.room_name)
        if session.claim.is_held(self.clock.now()):
            raise ClaimHeld("Another request is starting or ending this session.")
        if session.only_holds_room:  # its holder died
            await self.ledger.save(session.ended_again())
            await self.refuse_another_s(session.room_name, access)
            return None
        if session.is_unused and new.phone is not None and new.tenant != session.tenant:
            # No user of that session has come, so the room is the caller's.
            await self.ledger.save(session.ended(EndReason.ABANDONED, self.clock.now()))
            return None
        if session.status is SessionStatus.CREATED and not session.is_unused:
            return session
        presence = await self.find_agent(session)
        if presence.state is AgentState.ROOM_CLOSED:
            now, why = self.clock.now(), EndReason.ROOM_FINISHED
            await self.ledger.save(session.ended(why, now, Source.API, concluded=True))
            return None
        return await self.keep_agent.record(session, presence, Source.API)

    async def _look(self, candidate: Session, access: Access) -> AgentPresence | None:
        """What the candidate's room has of an agent before the first dispatch into it."""
        contents = await self.find_agent.contents(candidate.room_name)
        if contents is None:
            return None
        if candidate.room_sid not in (None, contents.room.sid):
            # A dispatch would go to another instance than the caller's.
            raise TooEarly("LiveKit lists another room of this name.", self.clock.now() + SOON)
        if not access.sees(None) and not await self._was_lately(contents.room, access):
            raise room_taken(candidate.room_name)
        found = presence_of(candidate, contents, self.clock.now(), self.find_agent.timeouts)
        agent_name = candidate.agent_name
        if not contents.has_foreign_agent(agent_name):
            return found
        late = await self._late(candidate, contents)
        is_foreign = late.removed_from(contents).has_foreign_agent(agent_name)
        if found.is_missing and candidate.phone is not None and is_foreign:
            raise LeftToOthers(f"Another agent serves room '{candidate.room_name}'.")
        return attrs.evolve(
            found,
            surplus_agents=(*found.surplus_agents, *sorted(late.identities)),
            surplus_dispatches=(*found.surplus_dispatches, *sorted(late.dispatches)),
        )

    async def _late(self, candidate: Session, contents: RoomContents) -> LateAgents:
        """Return what is not another program's, though its agent name is not the candidate's."""
        ended = await recently_ended(self.ledger, candidate.room_name)
        return await find_late_agents(
            self.ledger,
            contents,
            ended,
            self.clock.now(),
            serving=candidate.agent_name,
            surplus=self.agent_name,
        )

    async def _was_lately(self, room: Room, access: Access) -> bool:
        """Return whether the room, or a recent one of its name, was visible to ``access``."""
        newest = await self.ledger.newest_in(RoomName(room.name), access)
        return newest is not None and newest.reserves(room.sid, self.clock.now())

    async def _with_token(self, session: Session, until: datetime | None) -> Session:
        """Return the live session, whose token until then is stored if it has to be."""
        extended = session.with_token_until(until)
        return session if extended is session else await self.ledger.save(extended)

    async def _begin(self, candidate: Session, found: AgentPresence | None) -> Session:
        await self.limit.check_one_more(candidate)
        # Named and dated now: this attempt may have waited for others that came and went.
        now, holder = self.clock.now(), self.ids.claim_holder()
        session = candidate.begun(self.ids.session_id(), holder, now, self.lease)
        session = await self.limit.added(session)
        if found is not None and found.has_surplus:
            with suppress(LiveKitError):  # else the reconciler removes it
                await self.keep_agent.remove_surplus(session, found)
        if found is None or found.is_missing:
            return await self.dispatch_agent(session)
        return await self.keep_agent.record(session, found, Source.API)

    async def _begin_failed(self, candidate: Session) -> None:
        """Record a session whose room LiveKit did not tell of; starting again settles it."""
        await self.limit.check_one_more(candidate)
        now = self.clock.now()
        begun = candidate.begun(self.ids.session_id(), self.ids.claim_holder(), now, self.lease)
        await self.ledger.add(begun.with_dispatch_failed(now, uncertain=False))

    async def _again(self, session: Session, candidate: Session) -> Session:
        await self.limit.check_again(session, candidate)
        same = (candidate.agent_id, candidate.agent_version)
        if session.agent_config.is_outline and same == (session.agent_id, session.agent_version):
            # The rest was not kept.
            session = attrs.evolve(session, agent_config=candidate.agent_config)
        session = session.with_token_until(candidate.token_until)
        holder = self.ids.claim_holder()
        session = await self.ledger.save(session.claimed(holder, self.clock.now(), self.lease))
        return await self.dispatch_agent(session)

    async def refuse_another_s(self, room_name: RoomName, access: Access) -> datetime | None:
        """Leave a room to the tenant of its last session while that session's users may join.

        Returns until when long tokens of the caller's own last session there are valid. Raises as
        above.
        """
        if access.tenants is None:
            return None
        newest = await self.ledger.newest_in(room_name, SYSTEM)
        if newest is None or access.sees(newest.tenant):
            return None if newest is None else newest.token_until
        if newest.was_lately(self.clock.now()):
            raise room_taken(room_name)
        # Participants that came back in time may stay for as long as they like.
        if await self.find_agent.rooms.find(room_name) is not None:
            raise room_taken(room_name)
        return None


def room_taken(room_name: RoomName) -> RoomTaken:
    """Return the error for a room that is not the caller's."""
    return RoomTaken(
        f"Room '{room_name}' is not available to this key; name another.", field="roomName"
    )
