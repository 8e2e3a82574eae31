"""Which inbox entries are due, at a cost that no backlog changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Container
from datetime import datetime
from heapq import heappop, heappush

import attrs

from domain.inbox.entry import InboxEntry

Age = tuple[datetime, str]


@attrs.define
class Schedule:
    """Events by the time at which something about them is over."""

    _times: list[tuple[datetime, str]] = attrs.field(factory=list)

    def add(self, at: datetime, event_id: str) -> None:
        """Enter an event."""
        insort(self._times, (at, event_id))

    def remove(self, at: datetime, event_id: str) -> None:
        """Take an event out that was entered with this time."""
        del self._times[bisect_left(self._times, (at, event_id))]

    def pop_over(self, now: datetime, horizon: datetime) -> list[str]:
        """Take out those whose time has come, or was set before the clock was set back."""
        begin = bisect_right(self._times, (now, "\U0010ffff"))
        end = max(begin, bisect_right(self._times, (horizon, "\U0010ffff")))
        over = [*self._times[:begin], *self._times[end:]]
        self._times = self._times[begin:end]
        return [event_id for _, event_id in over]


@attrs.define
class InboxQueue:
    """The pending entries that are not leased: those that are ready, and those that wait.

    A room is busy from when an entry of it is taken until it is offered again. ``_rooms`` has the
    ready entries of each room by age. ``_heads`` has the oldest one of each room that is not busy;
    other entries in it, left behind when something changed, are passed over.
    """

    _ready: dict[str, InboxEntry] = attrs.field(factory=dict)
    _waiting: dict[str, tuple[datetime, InboxEntry]] = attrs.field(factory=dict)
    _schedule: Schedule = attrs.field(factory=Schedule)
    _rooms: dict[str, list[Age]] = attrs.field(factory=lambda: defaultdict(list))
    _heads: list[tuple[Age, str]] = attrs.field(factory=list)
    _busy: set[str] = attrs.field(factory=set)

    def put(self, entry: InboxEntry) -> None:
        """Add an entry that is not in the queue."""
        if entry.waits_until is None:
            self._make_ready(entry)
        else:
            self._wait(entry, entry.waits_until)

    def remove(self, event_id: str) -> None:
        """Take an entry out, if it is in the queue."""
        ready = self._ready.pop(event_id, None)
        if ready is not None:
            self._offer(ready.event.room_name)
        waiting = self._waiting.pop(event_id, None)
        if waiting is not None:
            self._schedule.remove(waiting[0], event_id)

    def offer(self, room: str) -> None:
        """Let an entry of the room be taken again."""
        self._busy.discard(room)
        self._offer(room)

    def take(
        self, now: datetime, horizon: datetime, limit: int, in_work: Container[str]
    ) -> list[InboxEntry]:
        """Take out the oldest due entry of each room, up to ``limit``, the oldest first.

        None of a room that is busy, or ``in_work``.
        """
        for event_id in self._schedule.pop_over(now, horizon):
            self._make_ready(self._waiting.pop(event_id)[1])
        taken: list[InboxEntry] = []
        passed_over: list[str] = []
        while self._heads and len(taken) < limit:
            age, room = heappop(self._heads)
            if not self._is_ready(age) or room in self._busy:
                continue
            if room in in_work:
                passed_over.append(room)
                continue
            entry = self._ready.pop(age[1])
            if now < entry.due_at <= horizon:
                self._wait(entry, entry.due_at)
                self._offer(room)
            else:
                self._busy.add(room)
                taken.append(entry)
        for room in passed_over:
            self._offer(room)
        return taken

    def _offer(self, room: str) -> None:
        ages = self._rooms[room]
        while ages and not self._is_ready(ages[0]):
            heappop(ages)
        if not ages:
            del self._rooms[room]
        elif room not in self._busy:
            heappush(self._heads, (ages[0], room))

    def _make_ready(self, entry: InboxEntry) -> None:
        room, age = entry.event.room_name, (entry.received_at, entry.event.id)
        self._ready[entry.event.id] = entry
        heappush(self._rooms[room], age)
        if self._rooms[room][0] == age and room not in self._busy:
            heappush(self._heads, (age, room))

    def _wait(self, entry: InboxEntry, until: datetime) -> None:
        self._waiting[entry.event.id] = until, entry
        self._schedule.add(until, entry.event.id)

    def _is_ready(self, age: Age) -> bool:
        entry = self._ready.get(age[1])
        return entry is not None and entry.received_at == age[0]
