"""Begin a session for people who are in a room without one."""

from __future__ import annotations

import attrs

from domain.access.access import SYSTEM
from domain.agents.agent_config import AgentConfig
from domain.rooms.room import Room
from domain.sessions.ensure_agent import EnsureAgent
from domain.sessions.find_agent import FindAgent
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.sessions.session_store import SessionStore
from domain.shared.clock import Clock
from domain.shared.identifiers import Identity, RoomName
from domain.shared.ids import IdGenerator


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

        Only a session whose agent is dispatched on join begins again, and none that a caller has
        ended. Raises as :class:`EnsureAgent`.
        """
        last = await self.ledger.newest_in(RoomName(room.name), SYSTEM)
        if last is None or not self._may_begin(last):
            return None
        return await self._begin(room, last)

    async def for_anyone(self, room: Room, identity: str) -> Session | None:
        """Return a session of no tenant, with the default configuration, for this person.

        Raises as above.
        """
        return await self._begin(room, None, identity)

    async def _begin(
        self, room: Room, last: Session | None, identity: str | None = None
    ) -> Session | None:
        """Return the session for a person, this one if it is named.

        None where LiveKit does not list the person in this instance of the room.
        """
        contents = await self.find_agent.contents(RoomName(room.name))
        if contents is None or contents.room.sid != room.sid:
            return None
        people = (each for each in contents.participants if each.is_person)
        person = next((each for each in people if identity in (None, each.identity)), None)
        if person is None:
            return None
        config = AgentConfig.parse(None) if last is None else last.agent_config
        candidate = Session(
            id=self.ids.session_id(),
            room_name=RoomName(room.name),
            room_sid=room.sid,
            identity=Identity(person.identity),
            agent_name=self.agent_name if last is None else last.agent_name,
            agent_config=config,
            created_at=self.clock.now(),
            join_until=None if last is None else last.join_until,
            token_until=None if last is None else last.token_until,
            tenant=None if last is None else last.tenant,
        )
        return await self.ensure_agent(candidate, SYSTEM)

    def _may_begin(self, last: Session) -> bool:
        if last.is_live or last.join_until is None or last.end_reason is EndReason.ENDED_BY_CALLER:
            return False
        now = self.clock.now()
        return last.was_lately(now) or now < last.join_until
