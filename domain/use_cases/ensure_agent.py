"""See to it that a room has a live session with exactly one agent."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from domain.access import EVERYTHING, Access
from domain.errors import ClaimHeld, RoomTaken, TooManySessions
from domain.identifiers import RoomName
from domain.ledger import Ledger
from domain.ports.clock import Clock
from domain.ports.ids import IdGenerator
from domain.ports.token_signer import TOKEN_TTL
from domain.room import Room
from domain.session import EndReason, Session, SessionStatus
from domain.use_cases.dispatch_agent import DispatchAgent
from domain.use_cases.locate_agent import LocateAgent, Whereabouts

RETRY_AFTER_SECONDS: Final = 30
"""After which one of many sessions may have ended."""

LEFT_FOR: Final = TOKEN_TTL + timedelta(minutes=2)
"""How long after its end a session's room is left to its tenant, whose users may hold tokens.

LiveKit takes a token for a minute after it has expired; one more is for clocks that differ, and
for a token that was being made when the session ended.
"""


@attrs.frozen(kw_only=True)
class EnsureAgent:
    """Makes one attempt; several at once still dispatch one agent.

    The session and its claim are durable before LiveKit hears of them. ``lease`` is how long the
    claim is held: longer than one LiveKit API call can take. ``max_sessions`` is how many live
    sessions a tenant may have; each is counted once it is durable and before its dispatch, so that
    of those that begin at the very same moment too few may get an agent, and never too many.
    """

    ledger: Ledger
    locate_agent: LocateAgent
    dispatch_agent: DispatchAgent
    clock: Clock
    ids: IdGenerator
    lease: timedelta
    max_sessions: int

    async def __call__(
        self, candidate: Session, access: Access = EVERYTHING, *, new_room: bool = False
    ) -> Session:
        """The room's live session, its agent there or on its way; ``candidate`` if it has none.

        ``new_room`` tells that the room's name was made a moment ago, so that none is looked for.

        Raises :class:`~domain.errors.RoomTaken` if the live session is not there for ``access``, or
        users of an earlier one that isn't may still come in;
        :class:`~domain.errors.TooManySessions`; :class:`~domain.errors.ClaimHeld` or
        :class:`~domain.errors.Conflict` when somebody else is at it;
        :class:`~domain.errors.LiveKitError`, :class:`~domain.errors.SessionEnded` or
        :class:`~domain.errors.StorageUnavailable`.
        """
        session = None if new_room else await self.ledger.live_in(candidate.room_name)
        if session is not None:
            if not access.sees(session.tenant):
                raise _taken(session.room_name)
            if session.claim.is_held(self.clock.now()):
                raise ClaimHeld("Somebody else is starting or ending this session.")
            if session.status is not SessionStatus.CREATED:
                located = await self.locate_agent(session)
                match located.whereabouts:
                    case Whereabouts.IN_ROOM if located.room is not None:
                        return await self._seen(session, located.room, located.dispatch_id)
                    case Whereabouts.ON_ITS_WAY:
                        return session
                    case Whereabouts.ROOM_CLOSED:
                        await self.ledger.save(
                            session.ended(EndReason.ROOM_FINISHED, self.clock.now())
                        )
                        session = None
        elif not new_room:
            await self._refuse_another_s(candidate.room_name, access)
        holder = self.ids.claim_holder()
        if session is None:
            await self._refuse_if_more_than(self.max_sessions - 1, candidate.tenant)
            # Named and dated now: this attempt may have waited for others that came and went.
            now = self.clock.now()
            begun = candidate.begun(self.ids.session_id(), holder, now, self.lease)
            session = await self.ledger.add(begun)
            await self._end_if_one_too_many(session)
        else:
            if session.dispatch_id is None:  # perhaps one too many whose process died
                await self._refuse_if_more_than(self.max_sessions, candidate.tenant)
            if session.agent_config.is_outline:  # the rest was not kept
                session = attrs.evolve(session, agent_config=candidate.agent_config)
            session = await self.ledger.save(session.claimed(holder, self.clock.now(), self.lease))
        return await self.dispatch_agent(session)

    async def _refuse_another_s(self, room_name: RoomName, access: Access) -> None:
        """Leave a room to the tenant of its last session while that one's users may come in."""
        if access.tenants is None:
            return
        newest = await self.ledger.newest_in(room_name)
        if newest is None or access.sees(newest.tenant):
            return
        if newest.ended_at is None or self.clock.now() < newest.ended_at + LEFT_FOR:
            raise _taken(room_name)
        # Whoever came back into it in time may stay for as long as they like.
        if await self.locate_agent.rooms.find(room_name) is not None:
            raise _taken(room_name)

    async def _end_if_one_too_many(self, session: Session) -> None:
        try:
            await self._refuse_if_more_than(self.max_sessions, session.tenant)
        except TooManySessions:
            await self.ledger.save(session.ended(EndReason.ABANDONED, self.clock.now()))
            raise

    async def _refuse_if_more_than(self, number: int, tenant: str | None) -> None:
        if tenant is not None and await self.ledger.live_of(tenant) > number:
            raise TooManySessions(
                f"This key may have {self.max_sessions} live sessions at a time; end one first.",
                retry_after=RETRY_AFTER_SECONDS,
            )

    async def _seen(self, session: Session, room: Room, dispatch_id: str | None) -> Session:
        known = session.status is SessionStatus.ACTIVE and session.room_sid == room.sid
        if known and not session.claim.uncertain:
            return session
        return await self.ledger.save(session.activated(room.sid, self.clock.now(), dispatch_id))


def _taken(room_name: RoomName) -> RoomTaken:
    return RoomTaken(
        f"Room '{room_name}' is not available to this key; name another.", field="roomName"
    )
