"""The ledger's calls as dictionaries."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Collection, Mapping, MutableMapping
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, ClassVar

import attrs

from adapters.memory.capability import Capability, Mentions, ended_before
from adapters.memory.newest_first import NewestFirst
from domain.access.access import Access, visible
from domain.calls.call import Call
from domain.calls.repository import CallFilter
from domain.calls.room_calls import CallOutline
from domain.privacy.data_subject import DataSubject
from domain.shared.errors import Conflict, StorageUnavailable
from domain.shared.identifiers import CallId, RoomName
from domain.shared.pagination import Cursor

Stay = tuple[str, str]
"""A room's sid and a participant's."""


@attrs.frozen(eq=False)
class CallTable(Capability):
    """Calls by id and by stay, live calls by room instance, and each room's newest one.

    Calls that are being dialled are live in room instance None. ``order`` has the committed ones.
    """

    counted_as: ClassVar[str] = "calls"

    by_id: MutableMapping[CallId, Call]
    by_stay: MutableMapping[Stay, CallId]
    live: MutableMapping[str | None, frozenset[CallId]]
    newest: MutableMapping[str, CallId]
    order: NewestFirst = attrs.field(factory=NewestFirst)

    def layer(self) -> CallTable:
        """A table that shows this one's content and keeps what is put into it to itself."""
        return CallTable(
            ChainMap({}, self.by_id),
            ChainMap({}, self.by_stay),
            ChainMap({}, self.live),
            ChainMap({}, self.newest),
        )

    def merge_into(self, below: CallTable) -> None:
        """Put what this layer holds into the table ``below`` it."""
        assert isinstance(self.by_id, ChainMap)  # noqa: S101 - only a layer is merged
        for call_id, call in self.by_id.maps[0].items():
            if call_id not in below.by_id:
                below.order.add(call.age)
        for upper, lower in (
            (self.by_id, below.by_id),
            (self.by_stay, below.by_stay),
            (self.live, below.live),
            (self.newest, below.newest),
        ):
            assert isinstance(upper, ChainMap)  # noqa: S101 - only a layer is merged
            lower.update(upper.maps[0])
        assert isinstance(self.live, ChainMap)  # noqa: S101 - only a layer is merged
        for room_sid, live in self.live.maps[0].items():
            if not live:
                below.live.pop(room_sid, None)

    def remove(self, calls: Collection[Call]) -> int:
        """Delete committed calls; how many they were."""
        for call in calls:
            del self.by_id[call.id]
            if call.leg is not None:
                del self.by_stay[call.leg.room_sid, call.leg.participant_sid]
            self._note_live(call, call.room_sid, is_live=False)
        self.order.remove([call.age for call in calls])
        for room in {call.parties.room_name for call in calls}:
            self.newest.pop(room, None)
            for call in [call for call in self.by_id.values() if call.parties.room_name == room]:
                self.put(call)
        return len(calls)

    def put(self, call: Call) -> None:
        """Store ``call`` whatever was there."""
        leg, room_name = call.leg, call.parties.room_name
        self.by_id[call.id] = call
        if leg is not None:
            self.by_stay[leg.room_sid, leg.participant_sid] = call.id
            if call.placed_at is not None:
                self._note_live(call, None, is_live=False)
        self._note_live(call, call.room_sid, is_live=call.is_live)
        newest = self.newest.get(room_name)
        if newest is None or self.by_id[newest].age < call.age:
            self.newest[room_name] = call.id

    def _note_live(self, call: Call, room_sid: str | None, *, is_live: bool) -> None:
        live = self.live.get(room_sid, frozenset())
        self.live[room_sid] = live | {call.id} if is_live else live - {call.id}

    async def prune(self, before: datetime) -> int:
        """Delete calls that ended before then; how many they were."""
        return self.remove(ended_before(self.by_id.values(), before))

    def statistics(self) -> Mapping[str, Any]:
        """How many calls are live."""
        return {"live_calls": sum(map(len, self.live.values()))}

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:  # noqa: ARG002
        """The calls that mention ``person``."""
        return {
            call.id.value: call.is_live
            for call in self.by_id.values()
            if _is_mentioned(person, call)
        }

    def erase(self, keys: Collection[str]) -> None:
        """Delete calls."""
        self.remove([self.by_id[CallId(key)] for key in keys])


def _is_mentioned(person: DataSubject, call: Call) -> bool:
    """By the identity or another text; a carrier's ids are a caller's, too."""
    leg, parties = call.leg, call.parties
    texts = [parties.room_name, parties.from_number, parties.to_number]
    if call.route is not None and person.is_in_answer(json.dumps(call.route.fields)):
        return True
    if leg is not None:
        texts += [leg.sip_call_id, leg.sip_call_id_full, leg.carrier_call_id]
    return person.is_called(parties.participant_identity) or any(map(person.is_in, texts))


@attrs.frozen
class CallChange:
    """A call as it shall be stored; ``replaces`` is the version it was read at, if it was."""

    call: Call
    replaces: int | None

    def apply_to(self, table: CallTable) -> None:
        """Store it, or raise :class:`~domain.shared.errors.Conflict`."""
        stored = table.by_id.get(self.call.id)
        if (None if stored is None else stored.version) != self.replaces:
            raise Conflict(f"Call {self.call.id} has changed.")
        leg = self.call.leg
        stay = None if leg is None else (leg.room_sid, leg.participant_sid)
        if stay is not None and table.by_stay.get(stay) not in (None, self.call.id):
            raise Conflict("The participant has a call.")
        table.put(self.call)


class MemoryCalls:
    """Implements :class:`domain.calls.repository.CallRepository`."""

    def __init__(self, committed: CallTable) -> None:
        self._committed = committed
        self.forget()

    def forget(self) -> None:
        """Drop the changes."""
        self.changes: list[CallChange] = []
        self._seen = self._committed.layer()

    def prepared(self) -> Callable[[], None]:
        """Return what stores the changes. Raises :class:`~domain.shared.errors.Conflict`."""
        layer = self._committed.layer()
        for change in self.changes:
            change.apply_to(layer)
        return partial(layer.merge_into, self._committed)

    async def add(self, call: Call) -> None:
        """Store a new call; a conflict surfaces at commit."""
        self.changes.append(CallChange(call, None))
        self._seen.put(call)

    async def save(self, call: Call) -> Call:
        """Store a change of a call; a conflict surfaces at commit."""
        stored = call.stored()
        self.changes.append(CallChange(stored, call.version))
        self._seen.put(stored)
        return stored

    async def get(self, call_id: CallId, access: Access) -> Call | None:
        """The call with this id."""
        return visible(self._seen.by_id.get(call_id), access)

    async def of_participant(
        self, room_sid: str, participant_sid: str, access: Access
    ) -> Call | None:
        """The call that is this participant's stay in this room instance."""
        call_id = self._seen.by_stay.get((room_sid, participant_sid))
        return None if call_id is None else visible(self._seen.by_id[call_id], access)

    async def live_in(self, room_sid: str, access: Access) -> list[Call]:
        """The calls in this room instance that have not ended."""
        ids = self._seen.live.get(room_sid, frozenset())
        live = (self._seen.by_id[call_id] for call_id in ids)
        return sorted(
            (call for call in live if access.sees(call.tenant)), key=lambda call: call.age
        )

    async def newest_in(self, room_name: RoomName, access: Access) -> Call | None:
        """Return the room's visible call that was created last."""
        call_id = self._seen.newest.get(room_name.value)
        newest = None if call_id is None else self._seen.by_id[call_id]
        if newest is None or access.sees(newest.tenant):
            return newest
        theirs = [
            call
            for call in self._seen.by_id.values()
            if call.parties.room_name == room_name.value and access.sees(call.tenant)
        ]
        return max(theirs, key=lambda call: call.age, default=None)

    async def live(
        self, _unreadable: list[StorageUnavailable], access: Access
    ) -> AsyncIterator[list[CallOutline]]:
        """Yield the outlines of the committed live calls at once; each can be read."""
        committed = self._committed
        ids = (call_id for live in committed.live.values() for call_id in live)
        calls = (committed.by_id[call_id] for call_id in ids)
        visible = (call.outline for call in calls if access.sees(call.tenant))
        yield [outline for outline in visible if outline is not None]

    async def page(
        self, wanted: CallFilter, after: Cursor | None, limit: int, access: Access
    ) -> list[Call]:
        """The newest ``limit`` committed calls that are wanted, of those after ``after``."""
        stored = self._committed
        found = (stored.by_id[CallId(call_id)] for call_id in stored.order.after(after))
        seen = (call for call in found if access.sees(call.tenant))
        return list(islice((call for call in seen if _is_wanted(call, wanted)), limit))


def _is_wanted(call: Call, wanted: CallFilter) -> bool:
    parties = call.parties
    return (
        wanted.status in (None, call.status)
        and wanted.direction in (None, parties.direction)
        and wanted.from_number in (None, parties.from_number)
        and wanted.to_number in (None, parties.to_number)
        and wanted.room_name in (None, parties.room_name)
        and wanted.created.holds(call.created_at)
    )
