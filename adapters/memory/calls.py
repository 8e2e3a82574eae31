"""The ledger's calls as dictionaries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from itertools import islice

import attrs

from adapters.memory.call_table import CallTable
from adapters.memory.events import MemoryEvents
from domain.access.access import Access, visible
from domain.calls.call import Call
from domain.calls.call_events import call_events
from domain.calls.repository import CallFilter
from domain.calls.room_calls import CallOutline
from domain.shared.errors import Conflict, StorageUnavailable
from domain.shared.identifiers import CallId, RoomName
from domain.shared.pagination import Cursor
from domain.shared.prefix import Prefix


@attrs.frozen
class CallChange:
    """A call as it shall be stored; ``replaces`` is the version it was read at, if it was."""

    call: Call
    replaces: int | None
    announce_at: datetime | None = None

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
        table.announce_at[self.call.id] = self.announce_at


class MemoryCalls:
    """Implements :class:`domain.calls.repository.CallRepository`."""

    def __init__(self, committed: CallTable, events: MemoryEvents) -> None:
        self._committed = committed
        self._events = events
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
        self._change(call, call.without_news(), None)

    async def save(self, call: Call) -> Call:
        """Store a change of a call; a conflict surfaces at commit."""
        stored = call.stored()
        self._change(call, stored, call.version)
        return stored

    def _change(self, call: Call, stored: Call, replaces: int | None) -> None:
        announcer, announce_at = self._events.announcer, None
        if announcer is not None:
            self._events.extend(call_events(announcer, call, stored, is_new=replaces is None))
            announce_at = announcer.announce_at(end_pending=call.end_pending)
        self.changes.append(CallChange(stored, replaces, announce_at))
        self._seen.put(stored)

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

    async def ends_due(
        self, now: datetime, limit: int, _unreadable: list[StorageUnavailable], access: Access
    ) -> list[Call]:
        """Return committed calls whose ends are to be announced by ``now``."""
        due = self._committed.announce_at.items()
        found = (self._committed.by_id[each] for each, at in due if at is not None and at <= now)
        return list(islice((call for call in found if access.sees(call.tenant)), limit))

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
        and (wanted.prefix is None or _begins(call, wanted.prefix))
    )


def _begins(call: Call, prefix: Prefix) -> bool:
    parties, leg = call.parties, call.leg
    sip_call_id = None if leg is None else leg.sip_call_id
    names = (parties.room_name, parties.participant_identity, sip_call_id)
    return prefix.matches(call.id.value, names, (parties.from_number, parties.to_number))
