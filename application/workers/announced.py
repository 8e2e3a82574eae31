"""Which due events a worker knows of without a look at the inbox."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection
from datetime import datetime
from itertools import islice

import attrs

from domain.inbox.entry import InboxEntry
from domain.inbox.signal import News


@attrs.define
class Announced:
    """The new events that no claim has leased yet.

    They are all that is due (``is_all``) once a look has found nothing while none was handled,
    until something turns up that was not announced.
    """

    limit: int
    is_all: bool = False
    _news: dict[str, News] = attrs.field(factory=dict, init=False)
    _rooms: dict[str, list[tuple[datetime, str]]] = attrs.field(factory=dict, init=False)
    """The events of each room by age. A room whose oldest was claimed goes behind the others."""

    def add(self, news: Collection[News]) -> None:
        """Remember ``news``; forget all of them where they are too many."""
        for event in news:
            self._news[event.event_id] = event
            insort(self._rooms.setdefault(event.room_name, []), (event.received_at, event.event_id))
        if len(self._news) > self.limit:
            self._clear()
            self.is_all = False

    def heads(self, busy: Collection[str], limit: int) -> list[str]:
        """Return the oldest event of each room that is not ``busy``, for so many rooms."""
        rooms = set(busy)
        heads = (events[0][1] for room, events in self._rooms.items() if room not in rooms)
        return list(islice(heads, limit))

    def has_more(self, room_name: str) -> bool:
        """Return whether there are any in this room."""
        return room_name in self._rooms

    def claimed(self, heads: Collection[str], entries: Collection[InboxEntry]) -> None:
        """Note that a claim of ``heads`` has leased ``entries``."""
        leased = {entry.event.id for entry in entries}
        self.is_all = self.is_all and leased == set(heads)
        self._forget({*heads, *leased})

    def looked(self, entries: Collection[InboxEntry], *, was_idle: bool) -> None:
        """Note that a look at all that is due has leased ``entries``."""
        leased = {entry.event.id for entry in entries}
        if was_idle and not leased:
            self._clear()
            self.is_all = True
        self.is_all = self.is_all and leased <= self._news.keys()
        self._forget(leased)

    def _clear(self) -> None:
        self._news.clear()
        self._rooms.clear()

    def _forget(self, event_ids: Collection[str]) -> None:
        for event_id in event_ids:
            news = self._news.pop(event_id, None)
            if news is None:
                continue
            events = self._rooms.pop(news.room_name)
            events.remove((news.received_at, event_id))
            if events:
                self._rooms[news.room_name] = events
