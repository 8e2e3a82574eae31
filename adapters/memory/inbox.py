"""The inbox as dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from adapters.memory.capability import Capability, Mentions
from adapters.memory.inbox_queue import InboxQueue, Schedule
from domain.inbox.entry import LONGEST_WAIT, InboxEntry, InboxStatus
from domain.privacy.data_subject import DataSubject
from domain.rooms.room_event import EventKind
from domain.shared.pagination import Cursor


@attrs.frozen
class Lease:
    """Whose an entry is, and until when."""

    holder: str
    until: datetime


class MemoryInbox(Capability):
    """Implements :class:`domain.inbox.repository.Inbox`."""

    counted_as: ClassVar[str] = "events"
    is_shared: ClassVar[bool] = False

    def __init__(self) -> None:
        self.stored: dict[str, InboxEntry] = {}
        self._queue = InboxQueue()
        self._leases: dict[str, Lease] = {}
        self._lease_ends = Schedule()
        self._finished: Counter[str] = Counter()

    async def add(self, entry: InboxEntry) -> bool:
        """Make ``entry`` known; False if its event is there already."""
        if entry.event.id in self.stored:
            return False
        self._put(entry)
        if entry.event.kind == EventKind.ROOM_FINISHED:
            self._finished[entry.event.room_sid] += 1
        return True

    def _put(self, entry: InboxEntry) -> None:
        event_id = entry.event.id
        self.stored[event_id] = entry
        if event_id in self._leases:
            return
        self._queue.remove(event_id)
        if entry.status is InboxStatus.PENDING:
            self._queue.put(entry)

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
        for event_id in self._lease_ends.pop_over(now, horizon):
            if event_id in working:
                self._lease_ends.add(self._leases[event_id].until, event_id)
            else:
                self._free(event_id, is_scheduled=False)
        in_work = {
            self.stored[event_id].event.room_name for event_id in working if event_id in self.stored
        }
        return self._lease(holder, now, until, limit, in_work)

    def _lease(
        self,
        holder: str,
        now: datetime,
        until: datetime,
        limit: int,
        in_work: Collection[str] = (),
    ) -> list[InboxEntry]:
        claimed = self._queue.take(now, now + LONGEST_WAIT, limit, in_work)
        for entry in claimed:
            self._leases[entry.event.id] = Lease(holder, until)
            self._lease_ends.add(until, entry.event.id)
        return claimed

    async def claim_news(
        self, holder: str, now: datetime, until: datetime, news: Collection[str]
    ) -> list[InboxEntry]:
        """Lease as many as there are ``news``: to look for others costs nothing here."""
        return self._lease(holder, now, until, len(news))

    async def renew(self, holder: str, event_ids: Collection[str], until: datetime) -> int:
        """Prolong the leases that ``holder`` still has on these entries; how many it has."""
        held = [event_id for event_id in event_ids if self._is_held(event_id, holder)]
        for event_id in held:
            self._lease_ends.remove(self._leases[event_id].until, event_id)
            self._lease_ends.add(until, event_id)
            self._leases[event_id] = Lease(holder, until)
        return len(held)

    def free(self, prefix: str) -> None:
        """End the leases whose holders' names begin so."""
        for event_id, lease in [*self._leases.items()]:
            if lease.holder.startswith(prefix):
                self._free(event_id)

    def _is_held(self, event_id: str, holder: str) -> bool:
        return event_id in self._leases and self._leases[event_id].holder == holder

    def _free(self, event_id: str, *, is_scheduled: bool = True) -> None:
        """End a lease; the entry, if it is pending, can be claimed again."""
        lease, entry = self._leases.pop(event_id), self.stored[event_id]
        if is_scheduled:
            self._lease_ends.remove(lease.until, event_id)
        self._put(entry)
        self._queue.offer(entry.event.room_name)

    async def settle(self, entry: InboxEntry, holder: str) -> bool:
        """Store what has become of a leased entry and give the lease back."""
        if not self._is_held(entry.event.id, holder):
            return False
        self.stored[entry.event.id] = entry
        self._free(entry.event.id)
        return True

    async def get(self, event_id: str) -> InboxEntry | None:
        """The entry of this event."""
        return self.stored.get(event_id)

    async def list(  # noqa: PLR0913 - each filter is a parameter
        self,
        status: InboxStatus | None,
        limit: int,
        room_name: str | None = None,
        room_sid: str | None = None,
        after: Cursor | None = None,
        *,
        kinds: Collection[str] = (),
    ) -> list[InboxEntry]:
        """Return the newest entries, of those older than ``after``."""
        end = None if after is None else (after.created_at, after.id)
        found = [
            entry
            for entry in self.stored.values()
            if status in (None, entry.status)
            and room_name in (None, entry.event.room_name)
            and room_sid in (None, entry.event.room_sid)
            and (not kinds or entry.event.kind in kinds)
            and (end is None or entry.age < end)
        ]
        return sorted(found, key=lambda entry: entry.age, reverse=True)[:limit]

    async def counts(self) -> dict[InboxStatus, int]:
        """How many entries there are of each status."""
        counted = Counter(entry.status for entry in self.stored.values())
        return {status: counted[status] for status in InboxStatus}

    def statistics(self) -> Mapping[str, Any]:
        """How many entries are pending, since when, and how many are dead."""
        pending = [entry for entry in self.stored.values() if entry.status is InboxStatus.PENDING]
        dead = [entry for entry in self.stored.values() if entry.status is InboxStatus.DEAD]
        return {
            "pending_events": len(pending),
            "pending_since": min((entry.received_at for entry in pending), default=None),
            "dead_events": len(dead),
        }

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:  # noqa: ARG002
        """The entries whose events mention ``person``."""
        return {
            event_id: False
            for event_id, entry in self.stored.items()
            if person.is_in(entry.event.room_name)
            or person.is_in(entry.last_error)
            or person.is_in_event(entry.event.body)
        }

    def erase(self, keys: Collection[str]) -> None:
        """Delete entries."""
        for event_id in keys:
            if event_id in self._leases:
                self._free(event_id)
            self._queue.remove(event_id)
            event = self.stored.pop(event_id).event
            if event.kind == EventKind.ROOM_FINISHED:
                self._finished -= Counter([event.room_sid])

    async def replay(self, entry: InboxEntry) -> bool:
        """Store an entry that was made pending again; False if it is not there, or is pending."""
        known = self.stored.get(entry.event.id)
        if known is None or known.status is InboxStatus.PENDING:
            return False
        self._put(entry)
        return True

    async def has_finished(self, room_sid: str) -> bool:
        """Return whether an event reports the end of this room instance."""
        return room_sid in self._finished

    async def prune(self, before: datetime) -> int:
        """Delete entries that were handled before then; how many they were."""
        old = [
            entry
            for entry in self.stored.values()
            if entry.status is InboxStatus.HANDLED
            and entry.handled_at is not None
            and entry.handled_at < before
        ]
        for entry in old:
            del self.stored[entry.event.id]
        self._finished -= Counter(
            entry.event.room_sid for entry in old if entry.event.kind == EventKind.ROOM_FINISHED
        )
        return len(old)
