"""Find what ended sessions have left in a room: dispatches, and agents that arrived late."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.access.access import SYSTEM
from domain.rooms.room import Dispatch, Participant, ParticipantKind
from domain.sessions.repository import SessionFilter
from domain.sessions.room_contents import RoomContents
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus
from domain.sessions.session_store import SessionStore
from domain.shared.identifiers import RoomName

LATE_BY: Final = timedelta(minutes=15)
"""How long after a session's end an agent without a dispatch may be its own.

A worker joins the room of its job although the room, and the dispatch with it, was deleted
meanwhile; its join makes a new room if there is none (livekit-server 1.13.5).
"""

_LOOKED_AT: Final = 20
"""So many of a room's newest ended sessions are compared."""


@attrs.frozen(kw_only=True)
class LateAgents:
    """The dispatches of ended sessions in a room, and the identities of their agents there."""

    dispatches: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.dispatches or self.identities)

    def removed_from(self, contents: RoomContents) -> RoomContents:
        """Return ``contents`` as they are once these are removed."""
        return attrs.evolve(
            contents,
            participants=[one for one in contents.participants if not self._has(one)],
            dispatches=[one for one in contents.dispatches or () if one.id not in self.dispatches],
        )

    def _has(self, participant: Participant) -> bool:
        return participant.identity in self.identities


async def recently_ended(ledger: SessionStore, room_name: RoomName) -> Sequence[Session]:
    """Return the newest sessions of the room that have ended. Raises ``StorageUnavailable``."""
    wanted = SessionFilter(status=SessionStatus.ENDED, room_name=str(room_name))
    async with ledger.unit_of_work() as work:
        return await work.sessions.page(wanted, None, _LOOKED_AT, SYSTEM)


async def find_late_agents(  # noqa: PLR0913 - what is in the room, and what was
    ledger: SessionStore,
    contents: RoomContents,
    ended: Sequence[Session],
    now: datetime,
    *,
    serving: str | None = None,
    surplus: str | None = None,
) -> LateAgents:
    """Return what ``ended`` sessions of the room have left in it.

    ``contents`` have the room's dispatches. Agents with the name ``serving``, which is the live
    session's, are judged by its presence and not here. A dispatch counts as an ended session's by
    its metadata, however old; an agent whose dispatch is not listed by its name, for ``LATE_BY``
    after the session's end. Agents and dispatches with the name ``surplus`` count as late too,
    whatever brought them. Raises ``StorageUnavailable``.
    """
    late, others, doubtful = list[Dispatch](), set[str](), set[str]()
    for dispatch in contents.dispatches or ():
        if dispatch.agent_name == serving:
            continue
        if dispatch.agent_name == surplus or await _is_over(ledger, dispatch, ended):
            late.append(dispatch)
            continue
        others.update(dispatch.agents)
        if not dispatch.agents:  # LiveKit lists a job seconds after its agent has joined
            doubtful.add(dispatch.agent_name)
    names = ((names_of_late(ended, now) - doubtful) | {surplus}) - {None, serving}
    named = {
        one.identity
        for one in contents.participants
        if one.kind is ParticipantKind.AGENT and one.agent_name in names
    }
    explained = {identity for dispatch in late for identity in dispatch.agents}
    present = {one.identity for one in contents.participants}
    return LateAgents(
        dispatches=frozenset(dispatch.id for dispatch in late),
        identities=frozenset((named - others) | (explained & present)),
    )


async def _is_over(ledger: SessionStore, dispatch: Dispatch, ended: Collection[Session]) -> bool:
    if any(session.owns(dispatch) for session in ended):
        return True
    session = await ledger.find(dispatch.session_id, SYSTEM)
    return session is not None and not session.is_live


def names_of_late(ended: Collection[Session], now: datetime) -> set[str]:
    """Return the names under which agents of these sessions may still arrive."""
    return {
        session.agent_name
        for session in ended
        if session.ended_at is not None and now <= session.ended_at + LATE_BY
    }
