"""The ledger's sessions as dictionaries."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Collection, Mapping, MutableMapping
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, ClassVar

import attrs

from adapters.memory.capability import LONG_AGO, Capability, Mentions, ended_before
from adapters.memory.newest_first import NewestFirst
from domain.access.access import Access, visible
from domain.privacy.data_subject import DataSubject
from domain.sessions.repository import MOST_IN_INSTANCE, SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_outline import SessionOutline
from domain.sessions.session_status import EndReason
from domain.shared.errors import Conflict, StorageUnavailable
from domain.shared.identifiers import RoomName, SessionId
from domain.shared.pagination import Cursor


@attrs.frozen(eq=False)
class SessionTable(Capability):
    """Sessions by id, and for each room the id of its live and of its newest one.

    ``order`` has those that are committed.
    """

    counted_as: ClassVar[str] = "sessions"

    by_id: MutableMapping[SessionId, Session]
    live: MutableMapping[RoomName, SessionId | None]
    newest: MutableMapping[RoomName, SessionId]
    order: NewestFirst = attrs.field(factory=NewestFirst)

    def layer(self) -> SessionTable:
        """A table that shows this one's content and keeps what is put into it to itself."""
        return SessionTable(
            ChainMap({}, self.by_id), ChainMap({}, self.live), ChainMap({}, self.newest)
        )

    def merge_into(self, below: SessionTable) -> None:
        """Put what this layer holds into the table ``below`` it."""
        assert isinstance(self.by_id, ChainMap)  # noqa: S101 - only a layer is merged
        for session_id, session in self.by_id.maps[0].items():
            if session_id not in below.by_id:
                below.order.add(session.age)
        for upper, lower in (
            (self.by_id, below.by_id),
            (self.live, below.live),
            (self.newest, below.newest),
        ):
            assert isinstance(upper, ChainMap)  # noqa: S101 - only a layer is merged
            lower.update(upper.maps[0])
        assert isinstance(self.live, ChainMap)  # noqa: S101 - only a layer is merged
        for room, live in self.live.maps[0].items():
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
        found = (session for session in self.by_id.values() if _is_mentioned(person, session))
        return {session.id.value: session.is_live for session in found}

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


@attrs.frozen
class Change:
    """A session as it shall be stored; ``replaces`` is the version it was read at, if it was."""

    session: Session
    replaces: int | None

    def apply_to(self, table: SessionTable) -> None:
        """Store it, or raise :class:`~domain.shared.errors.Conflict`."""
        stored = table.by_id.get(self.session.id)
        if (None if stored is None else stored.version) != self.replaces:
            raise Conflict(f"Session {self.session.id} has changed.")
        if self.session.is_live:
            live = table.live.get(self.session.room_name)
            if live not in (None, self.session.id):
                raise Conflict(f"Room '{self.session.room_name}' has a live session.")
        table.put(self.session)


class MemorySessions:
    """Implements :class:`domain.sessions.repository.SessionRepository`."""

    def __init__(self, committed: SessionTable) -> None:
        self._committed = committed
        self.forget()

    def forget(self) -> None:
        """Drop the changes."""
        self.changes: list[Change] = []
        self._seen = self._committed.layer()

    def prepared(self) -> Callable[[], None]:
        """Return what stores the changes. Raises :class:`~domain.shared.errors.Conflict`."""
        layer = self._committed.layer()
        for change in self.changes:
            change.apply_to(layer)
        return partial(layer.merge_into, self._committed)

    async def add(self, session: Session) -> None:
        """Store a new session; a conflict surfaces at commit."""
        self.changes.append(Change(session, None))
        self._seen.put(session)

    async def save(self, session: Session) -> Session:
        """Store a change of a session; a conflict surfaces at commit."""
        stored = session.stored()
        self.changes.append(Change(stored, session.version))
        self._seen.put(stored)
        return stored

    async def get(self, session_id: SessionId, access: Access) -> Session | None:
        """The session with this id."""
        return visible(self._seen.by_id.get(session_id), access)

    async def live_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's live session, if visible."""
        return visible(self._seen.live_in(room_name), access)

    async def newest_in(self, room_name: RoomName, access: Access) -> Session | None:
        """Return the room's visible session that was created last, live or ended."""
        newest = self._seen.newest_in(room_name)
        if newest is None or access.sees(newest.tenant):
            return newest
        named = (each for each in self._seen.by_id.values() if each.room_name == room_name)
        theirs = (each for each in named if access.sees(each.tenant))
        return max(theirs, key=lambda session: session.age, default=None)

    async def in_instance(self, room_sid: str, access: Access) -> list[Session]:
        """Return the committed sessions of this room instance, the newest first, if visible."""
        stored = self._committed.by_id.values()
        found = (each for each in stored if each.room_sid == room_sid and access.sees(each.tenant))
        return sorted(found, key=lambda each: each.age, reverse=True)[:MOST_IN_INSTANCE]

    async def live_of(self, tenant: str) -> int:
        """How many committed sessions of the tenant's are live."""
        return (await self.live_and_unused_of(tenant))[0]

    async def live_and_unused_of(self, tenant: str) -> tuple[int, int]:
        """Return how many are live, and how many of these are unused."""
        unused = [each.is_unused for each in self._live() if each.tenant == tenant]
        return len(unused), sum(unused)

    def _live(self) -> list[Session]:
        by_id, ids = self._committed.by_id, self._committed.live.values()
        return [by_id[session_id] for session_id in ids if session_id is not None]

    async def live(
        self, _unreadable: list[StorageUnavailable], access: Access
    ) -> AsyncIterator[list[SessionOutline]]:
        """Yield the committed live sessions at once; each can be read."""
        yield [session for session in self._live() if access.sees(session.tenant)]

    async def page(
        self, wanted: SessionFilter, after: Cursor | None, limit: int, access: Access
    ) -> list[Session]:
        """The newest ``limit`` committed sessions that are wanted, of those after ``after``."""
        by_id, ids = self._committed.by_id, self._committed.order.after(after)
        found = (by_id[SessionId(session_id)] for session_id in ids)
        seen = (session for session in found if access.sees(session.tenant))
        return list(islice((session for session in seen if _is_wanted(session, wanted)), limit))


def _is_wanted(session: Session, wanted: SessionFilter) -> bool:
    return (
        wanted.status in (None, session.status)
        and wanted.identity in (None, session.identity.value)
        and wanted.room_name in (None, session.room_name.value)
        and wanted.created.holds(session.created_at)
    )
