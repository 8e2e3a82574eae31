"""Start a session in a room, or join the one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import attrs

from domain.agent_config import AgentConfig
from domain.errors import ClaimHeld
from domain.identifiers import Identity, RoomName
from domain.ledger import Ledger
from domain.ports.clock import Clock
from domain.ports.ids import IdGenerator
from domain.ports.token_signer import TokenSigner
from domain.room import Room
from domain.session import EndReason, Session, SessionStatus
from domain.use_cases.dispatch_agent import DispatchAgent
from domain.use_cases.locate_agent import LocateAgent, Whereabouts
from domain.use_cases.turn import Turn

TOKEN_TTL: Final = timedelta(minutes=10)


@attrs.frozen
class StartSessionCommand:
    """What the caller asks for, unchecked. A blank or absent room name means a new room."""

    user_identity: str
    room_name: str | None = None
    agent_config: Mapping[str, Any] | None = None


@attrs.frozen
class StartedSession:
    """The session, and the token with which ``identity`` joins its room."""

    session: Session
    identity: Identity
    token: str


@attrs.frozen(kw_only=True)
class StartSession:
    """Gives a caller a token for a room in which exactly one agent is, or is on its way.

    The session and its claim are durable before LiveKit hears of them. ``lease`` is how long the
    claim is held: longer than one LiveKit API call can take.
    """

    ledger: Ledger
    locate_agent: LocateAgent
    dispatch_agent: DispatchAgent
    token_signer: TokenSigner
    clock: Clock
    ids: IdGenerator
    turn: Turn
    agent_name: str
    lease: timedelta

    async def __call__(self, command: StartSessionCommand) -> StartedSession:
        """Start or join.

        Raises :class:`~domain.errors.InvalidInput`, :class:`~domain.errors.MetadataTooLarge`,
        :class:`~domain.errors.LiveKitError` (no agent is known to be dispatched; starting again
        settles it), :class:`~domain.errors.SessionBusy`, :class:`~domain.errors.SessionEnded` or
        :class:`~domain.errors.StorageUnavailable`.
        """
        identity = Identity.parse(command.user_identity)
        candidate = Session(
            id=self.ids.session_id(),
            room_name=self._room_name(command.room_name),
            identity=identity,
            agent_name=self.agent_name,
            agent_config=AgentConfig.parse(command.agent_config),
            created_at=self.clock.now(),
        )
        candidate.metadata()  # refuses what is too large before anything is stored
        session = await self.turn.take(
            candidate.room_name, lambda: self._live_with_agent(candidate)
        )
        token = self.token_signer.join_token(identity, session.room_name, TOKEN_TTL)
        return StartedSession(session, identity, token)

    def _room_name(self, wanted: str | None) -> RoomName:
        if wanted is None or (isinstance(wanted, str) and not wanted.strip()):
            return self.ids.room_name()
        return RoomName.parse(wanted)

    async def _live_with_agent(self, candidate: Session) -> Session:
        """The room's live session, its agent there or on its way; ``candidate`` if it has none.

        Raises :class:`~domain.errors.ClaimHeld` or :class:`~domain.errors.Conflict` when another
        request is at it.
        """
        session = await self.ledger.live_in(candidate.room_name)
        if session is not None:
            if session.claim.is_held(self.clock.now()):
                raise ClaimHeld("Another request is starting or ending this session.")
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
        holder = self.ids.claim_holder()
        if session is None:
            # Named and dated now: this request may have waited for others that came and went.
            now = self.clock.now()
            newest = attrs.evolve(candidate, id=self.ids.session_id(), created_at=now)
            session = await self.ledger.add(newest.claimed(holder, now, self.lease))
        else:
            session = await self.ledger.save(session.claimed(holder, self.clock.now(), self.lease))
        return await self.dispatch_agent(session)

    async def _seen(self, session: Session, room: Room, dispatch_id: str | None) -> Session:
        known = session.status is SessionStatus.ACTIVE and session.room_sid == room.sid
        if known and not session.claim.uncertain:
            return session
        return await self.ledger.save(session.activated(room.sid, self.clock.now(), dispatch_id))
