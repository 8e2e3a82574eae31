"""The table of the ledger's sessions, as dictionaries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from adapters.memory.capability import LONG_AGO, Capability, Mentions, ended_before
from adapters.memory.layers import held_by, layer_over
from adapters.memory.newest_first import NewestFirst
from domain.privacy.data_subject import DataSubject
from domain.sessions.session import Session
from domain.sessions.session_status import EndReason
from domain.shared.identifiers import RoomName, SessionId


@attrs.frozen(eq=False)
class SessionTable(Capability):
    """Sessions by id, and for each room the id of its live and of its newest one.

    ``order`` has those that are committed.
    """

    counted_as: ClassVar[str] = "sessions"

    by_id: MutableMapping[SessionId, Session]
    live: MutableMapping[RoomName, SessionId | None]
    newest: MutableMapping[RoomName, SessionId]
    announce_at: MutableMapping[SessionId, datetime | None] = attrs.field(factory=dict)
    order: NewestFirst = attrs.field(factory=NewestFirst)

    def layer(self) -> SessionTable:
        """A table that shows this one's content and keeps what is put into it to itself."""
        return SessionTable(
            layer_over(self.by_id),
            layer_over(self.live),
            layer_over(self.newest),
            layer_over(self.announce_at),
        )

    def merge_into(self, below: SessionTable) -> None:
        """Put what this layer holds into the table ``below`` it."""
        for session_id, session in held_by(self.by_id).items():
            if session_id not in below.by_id:
                below.order.add(session.age)
        below.by_id.update(held_by(self.by_id))
        below.live.update(held_by(self.live))
        below.newest.update(held_by(self.newest))
        below.announce_at.update(held_by(self.announce_at))
        for room, live in held_by(self.live).items():
            if live is None:
                below.live.pop(room, None)

    def put(self, session: Session) -> None:
        """Store ``session`` whatever was there."""
        self.by_id[session.id] = session
        room = session.room_name
        if session.is_live:
            self.live[room] = session.id
        elif self.live.get(room) == session.id:
            self.live[room] = None
        newest = self.newest.get(room)
        if newest is None or self.by_id[newest].age < session.age:
            self.newest[room] = session.id

    def remove(self, sessions: Collection[Session]) -> int:
        """Delete committed sessions; how many they were."""
        for session in sessions:
            del self.by_id[session.id]
            self.announce_at.pop(session.id, None)
        self.order.remove([session.age for session in sessions])
        for room in {session.room_name for session in sessions}:
            kept = [session for session in self.by_id.values() if session.room_name == room]
            self.newest.pop(room, None)
            self.live.pop(room, None)
            for session in kept:
                self.put(session)
        return len(sessions)

    def live_in(self, room: RoomName) -> Session | None:
        """The room's live session."""
        session_id = self.live.get(room)
        return None if session_id is None else self.by_id[session_id]

    def newest_in(self, room: RoomName) -> Session | None:
        """The room's session that was created last."""
        session_id = self.newest.get(room)
        return None if session_id is None else self.by_id[session_id]

    async def prune(self, before: datetime) -> int:
        """Delete sessions that ended before then, as their tokens; how many they were."""
        ended = ended_before(self.by_id.values(), before)
        return self.remove([one for one in ended if one.tokens_expired(before)])

    async def prune_unused(self, before: datetime) -> int:
        """Delete abandoned sessions whose users might join until before then; how many."""
        ended = ended_before(self.by_id.values(), before)
        unused = [one for one in ended if one.end_reason is EndReason.ABANDONED]
        return self.remove([one for one in unused if one.was_not_joined(before)])

    def statistics(self) -> Mapping[str, Any]:
        """How many sessions are live."""
        return {"live_sessions": sum(session is not None for session in self.live.values())}

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:  # noqa: ARG002
        """The sessions that mention ``person``."""
        return {
            session.id.value: session.is_live
            for session in self.by_id.values()
            if _is_mentioned(person, session)
        }

    def erase(self, keys: Collection[str]) -> None:
        """Delete sessions."""
        self.remove([self.by_id[SessionId(key)] for key in keys])

    def free(self, prefix: str) -> None:
        """End claims; each keeps its holder, so that the next one asks LiveKit what was done."""
        for session in [*self.by_id.values()]:
            holder = session.claim.holder
            if session.is_live and holder is not None and holder.startswith(prefix):
                claim = attrs.evolve(session.claim, expires_at=LONG_AGO)
                self.by_id[session.id] = attrs.evolve(session, claim=claim)


def _is_mentioned(person: DataSubject, session: Session) -> bool:
    phone = session.phone
    numbers = () if phone is None else (phone.caller_number, phone.called_number)
    return (
        person.is_called(session.identity.value)
        or person.is_in_config(session.agent_config.text)
        or any(person.is_in(text) for text in (session.room_name.value, *numbers))
    )
