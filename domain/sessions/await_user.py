"""Store a session whose agent is dispatched once a user has joined its room."""

from __future__ import annotations

from datetime import timedelta

import attrs

from domain.access.access import SYSTEM, Access
from domain.agents.agent_config import OUTLINE, RECORD, TOOLS
from domain.sessions.ensure_agent import EnsureAgent, room_taken
from domain.sessions.extend_wait import ExtendWait
from domain.sessions.room_novelty import RoomNovelty
from domain.sessions.session import Session
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.errors import ClaimHeld, InvalidInput
from domain.shared.identifiers import RoomName
from domain.shared.ids import IdGenerator


@attrs.frozen(kw_only=True)
class AwaitUser:
    """Store a session that asks LiveKit for nothing until a user has joined.

    The events of LiveKit and the reconciler then dispatch its agent, as they do for a session that
    has lost one. ``keeps_configs`` is whether the ledger stores whole configurations of agents.
    """

    ledger: SessionStore
    ensure_agent: EnsureAgent
    clock: Clock
    ids: IdGenerator
    extend_wait: ExtendWait
    keeps_configs: bool = True

    async def __call__(
        self,
        candidate: Session,
        access: Access,
        ttl: timedelta,
        *,
        room: RoomNovelty = RoomNovelty.NAMED,
    ) -> Session:
        """Return the room's live session, which is ``candidate`` if there was none.

        Users may join it for ``ttl``, the time to live of a token that is made now. ``room`` says
        what is known of the room's name. LiveKit is asked one question, whether it has the room,
        for a name that is new to the ledger and chosen by a tenant that sees its own records only:
        the room may be another program's.

        Raises ``InvalidInput`` for a configuration that the ledger may not keep, and as
        :class:`EnsureAgent`.
        """
        self.check_kept(candidate)
        if room is not RoomNovelty.UNKNOWN_TO_ALL:
            session = await self.ledger.live_in(candidate.room_name, SYSTEM)
            joined = None if session is None else await self._joined(session, access, ttl)
            if joined is not None:
                return joined
            until = await self.ensure_agent.refuse_another_s(candidate.room_name, access)
            candidate = candidate.with_token_until(until)
        if room is RoomNovelty.NAMED:
            await self._refuse_unknown(candidate.room_name, access)
        await self.ensure_agent.limit.check_one_more(candidate, waits=True)
        now = self.clock.now()
        session_id, until = self.ids.session_id(), self.extend_wait.until(now, ttl)
        waiting = attrs.evolve(candidate, id=session_id, created_at=now, join_until=until)
        return await self.ensure_agent.limit.added(waiting)

    async def _joined(self, session: Session, access: Access, ttl: timedelta) -> Session | None:
        """Return the live session; None once one has ended that only held its room."""
        if not session.only_holds_room:
            if not access.sees(session.tenant):
                raise room_taken(session.room_name)
            return await self.extend_wait.attempt(session, ttl)
        if session.claim.is_held(self.clock.now()):
            raise ClaimHeld("Another request is ending this session.")
        await self.ledger.save(session.ended_again())  # its holder died
        return None

    async def _refuse_unknown(self, room_name: RoomName, access: Access) -> None:
        """Refuse another program's room to a tenant that sees its own records only."""
        if access.sees(None):
            return
        newest = await self.ledger.newest_in(room_name, access)
        if newest is not None and newest.was_lately(self.clock.now()):
            return
        room = await self.ensure_agent.find_agent.rooms.find(room_name)
        if room is not None and (newest is None or newest.room_sid != room.sid):
            raise room_taken(room_name)

    def check_kept(self, candidate: Session) -> None:
        """Raise ``InvalidInput`` for a configuration that the ledger may not keep."""
        chosen = candidate.agent_config.chosen.items()
        kept: tuple[tuple[str, object], ...] = ((TOOLS, []), (RECORD, False))
        lost = {key for key, value in chosen if (key, value) not in kept} - {*OUTLINE}
        if lost and not self.keeps_configs:
            key = min(lost)
            raise InvalidInput(
                f"agentConfig.{key} cannot be given to an agent that is dispatched on join: "
                "STORE_AGENT_CONFIG=false keeps it out of the ledger, where it would wait.",
                field=f"agentConfig.{key}",
            )
