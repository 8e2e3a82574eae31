"""The inbox as dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

import attrs

from domain.inbox import LONGEST_WAIT, InboxEntry, InboxStatus
from domain.person import Person
from domain.room_event import EventKind


@attrs.frozen
class Lease:
    """Whose an entry is, and until when."""

    holder: str
    until: datetime


class MemoryInbox:
    """Implements :class:`domain.ports.inbox.Inbox`."""

    def __init__(self) -> None:
        self._entries: dict[str, InboxEntry] = {}
        self._pending: dict[str, InboxEntry] = {}
        self._leases: dict[str, Lease] = {}
        self._finished: Counter[str] = Counter()

    async def add(self, entry: InboxEntry) -> bool:
        """Make ``entry`` known; False if its event is there already."""
        if entry.event.id in self._entries:
            return False
        self._put(entry)
        if entry.event.kind == EventKind.ROOM_FINISHED:
            self._finished[entry.event.room_sid] += 1
        return True

    def _put(self, entry: InboxEntry) -> None:
        event_id = entry.event.id
        self._entries[event_id] = entry
        if entry.status is InboxStatus.PENDING:
            self._pending[event_id] = entry
        else:
            self._pending.pop(event_id, None)

    async def claim(
        self,
        holder: str,
        now: datetime,
        until: datetime,
        limit: int,
        working: Collection[str] = (),
    ) -> list[InboxEntry]:
        """Lease the oldest due entry of each room in which none is leased."""
        horizon = now + LONGEST_WAIT
        self._leases = {
            event_id: lease
            for event_id, lease in self._leases.items()
            if now < lease.until <= horizon or event_id in working
        }
        busy = {self._entries[event_id].event.room_name for event_id in self._leases}
        claimed: list[InboxEntry] = []
        for entry in sorted(
            self._pending.values(), key=lambda one: (one.received_at, one.event.id)
        ):
            if len(claimed) == limit:
                break
            if not now < entry.due_at <= horizon and entry.event.room_name not in busy:
                busy.add(entry.event.room_name)
                self._leases[entry.event.id] = Lease(holder, until)
                claimed.append(entry)
        return claimed

    async def renew(self, holder: str, event_ids: Collection[str], until: datetime) -> int:
        """Prolong the leases that ``holder`` still has on these entries; how many it has."""
        held = [
            event_id
            for event_id in event_ids
            if event_id in self._leases and self._leases[event_id].holder == holder
        ]
        for event_id in held:
            self._leases[event_id] = Lease(holder, until)
        return len(held)

    def free(self, prefix: str) -> None:
        """End the leases whose holders' names begin so."""
        self._leases = {
            event_id: lease
            for event_id, lease in self._leases.items()
            if not lease.holder.startswith(prefix)
        }

    async def settle(self, entry: InboxEntry, holder: str) -> bool:
        """Store what has become of a leased entry and give the lease back."""
        lease = self._leases.get(entry.event.id)
        if lease is None or lease.holder != holder:
            return False
        del self._leases[entry.event.id]
        self._put(entry)
        return True

    async def get(self, event_id: str) -> InboxEntry | None:
        """The entry of this event."""
        return self._entries.get(event_id)

    async def list(
        self, status: InboxStatus | None, limit: int, room_name: str | None = None
    ) -> list[InboxEntry]:
        """The newest entries, of this status and room if given."""
        found = (
            entry
            for entry in self._entries.values()
            if status in (None, entry.status) and room_name in (None, entry.event.room_name)
        )
        return sorted(found, key=lambda one: (one.received_at, one.event.id), reverse=True)[:limit]

    async def counts(self) -> dict[InboxStatus, int]:
        """How many entries there are of each status."""
        counted = Counter(entry.status for entry in self._entries.values())
        return {status: counted[status] for status in InboxStatus}

    def mentioning(self, person: Person) -> Sequence[InboxEntry]:
        """The entries whose events mention ``person``."""
        return [
            entry
            for entry in self._entries.values()
            if person.is_in(entry.event.room_name)
            or person.is_in(entry.last_error)
            or person.is_in_event(entry.event.body)
        ]

    def forget(self, person: Person) -> None:
        """Delete them."""
        for entry in self.mentioning(person):
            event = entry.event
            del self._entries[event.id]
            self._pending.pop(event.id, None)
            self._leases.pop(event.id, None)
            if event.kind == EventKind.ROOM_FINISHED:
                self._finished -= Counter([event.room_sid])

    def pending_since(self) -> datetime | None:
        """When the oldest entry came in that is not handled yet."""
        pending = (
            entry.received_at
            for entry in self._entries.values()
            if entry.status is InboxStatus.PENDING
        )
        return min(pending, default=None)

    async def replay(self, entry: InboxEntry) -> bool:
        """Store an entry that was made pending again; False if it is not there."""
        if entry.event.id not in self._entries:
            return False
        self._put(entry)
        return True

    async def has_finished(self, room_sid: str) -> bool:
        """Whether an event is there that tells of this room instance's end."""
        return room_sid in self._finished

    async def prune(self, before: datetime) -> int:
        """Delete entries that were handled before then; how many they were."""
        old = [
            entry
            for entry in self._entries.values()
            if entry.status is InboxStatus.HANDLED
            and entry.handled_at is not None
            and entry.handled_at < before
        ]
        for entry in old:
            del self._entries[entry.event.id]
        self._finished -= Counter(
            entry.event.room_sid for entry in old if entry.event.kind == EventKind.ROOM_FINISHED
        )
        return len(old)
