"""Begin a session for people who are in a room without one."""

from __future__ import annotations

from datetime import datetime

import attrs

from domain.access.access import SYSTEM
from domain.agents.agent_config import AgentConfig
from domain.rooms.room import Room
from domain.sessions.ensure_agent import EnsureAgent
from domain.sessions.find_agent import FindAgent
from domain.sessions.late_agents import recently_ended
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.identifiers import Identity, RoomName
from domain.shared.ids import IdGenerator
from domain.shared.timeline import Source


@attrs.frozen(kw_only=True)
class BeginAgain:
    """Begin a session in a room that has people and no live session.

    A client keeps its token and may use it again: after the session that it was made for has ended
    with its room, or has expired unused while the ledger did not learn of the join.
    """

    ledger: SessionStore
    find_agent: FindAgent
    ensure_agent: EnsureAgent
    clock: Clock
    ids: IdGenerator
    agent_name: str

    async def __call__(self, room: Room) -> Session | None:
        """Return a session like the room's last one; None where that was to be the last.

        Raises as :class:`EnsureAgent`.
        """
        last = await self.last(await self.newest(room))
        return None if last is None else await self.like(last, room)

    async def newest(self, room: Room) -> Session | None:
        """Return the room's newest session. Raises ``StorageUnavailable``."""
        return await self.ledger.newest_in(RoomName(room.name), SYSTEM)

    async def reopened(self, newest: Session | None, room: Room, source: Source) -> Session | None:
        """Return the room's ``newest`` session again where its end was concluded too early.

        Raises ``Conflict``, ``LiveKitError`` or ``StorageUnavailable``.
        """
        if newest is None or not await self.find_agent.was_concluded_early(newest, room):
            return None
        return await self.ledger.save(newest.reopened(self.clock.now(), source))

    async def last(self, newest: Session | None) -> Session | None:
        """Return the ``newest`` session, or one before it, whose tokens begin another one.

        Only a session whose agent is dispatched on join begins again, and none that a caller has
        ended, or after which a caller has ended another one. Raises ``StorageUnavailable``.
        """
        if newest is None or newest.is_live:
            return None
        earlier = () if newest.join_until else await recently_ended(self.ledger, newest.room_name)
        for ended in (newest, *earlier):
            if ended.end_reason is EndReason.ENDED_BY_CALLER:
                return None
            if ended.join_until is not None:
                return ended if self._may_begin(ended, ended.join_until) else None
        return None

    async def like(self, last: Session, room: Room) -> Session | None:
        """Return a session like the room's ``last``; None where no person is listed yet.

        Raises as :class:`EnsureAgent`.
        """
        new = await self._new(room)
        if new is None:
            return None
        candidate = attrs.evolve(
            new,
            agent_name=last.agent_name,
            agent_config=last.agent_config,
            agent_id=last.agent_id,
            agent_version=last.agent_version,
            join_until=last.join_until,
            token_until=last.token_until,
            tenant=last.tenant,
        )
        return await self.ensure_agent(candidate, SYSTEM)

    async def for_anyone(self, room: Room, identity: str) -> Session | None:
        """Return a session of no tenant, with the default configuration, for this person.

        Raises as above.
        """
        new = await self._new(room, identity)
        return None if new is None else await self.ensure_agent(new, SYSTEM)

    async def _new(self, room: Room, identity: str | None = None) -> Session | None:
        """Return a new session for a person in the room, the one with this identity if it is given.

        None where LiveKit does not list the person in this instance of the room.
        """
        contents = await self.find_agent.contents(RoomName(room.name))
        if contents is None or contents.room.sid != room.sid:
            return None
        people = (each for each in contents.participants if each.is_person)
        person = next((each for each in people if identity in (None, each.identity)), None)
        if person is None:
            return None
        return Session(
            id=self.ids.session_id(),
            room_name=RoomName(room.name),
            room_sid=room.sid,
            identity=Identity(person.identity),
            agent_name=self.agent_name,
            agent_config=AgentConfig.parse(None),
            created_at=self.clock.now(),
        )

    def _may_begin(self, last: Session, join_until: datetime) -> bool:
        now = self.clock.now()
        return last.was_lately(now) or now < join_until
