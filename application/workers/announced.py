"""Which due events a worker knows of without a look at the inbox."""

from __future__ import annotations

from collections.abc import Collection

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

    def add(self, news: Collection[News]) -> None:
        """Remember ``news``; forget all of them where they are too many."""
        self._news.update((one.event_id, one) for one in news)
        if len(self._news) > self.limit:
            self._news.clear()
            self.is_all = False

    def heads(self, busy: Collection[str], limit: int) -> list[str]:
        """Return the oldest event of each room that is not ``busy``."""
        rooms, found = set(busy), list[str]()
        for news in sorted(self._news.values()):
            if news.room_name not in rooms:
                rooms.add(news.room_name)
                found.append(news.event_id)
        return found[:limit]

    def has_more(self, room_name: str | None = None) -> bool:
        """Return whether there are any, in this room if given."""
        return any(room_name in (None, news.room_name) for news in self._news.values())

    def claimed(self, heads: Collection[str], entries: Collection[InboxEntry]) -> None:
        """Note that a claim of ``heads`` has leased ``entries``."""
        leased = {entry.event.id for entry in entries}
        self.is_all = self.is_all and leased == set(heads)
        self._forget({*heads, *leased})

    def looked(self, entries: Collection[InboxEntry], *, was_idle: bool) -> None:
        """Note that a look at all that is due has leased ``entries``."""
        leased = {entry.event.id for entry in entries}
        if was_idle and not leased:
            self._news.clear()
            self.is_all = True
        self.is_all = self.is_all and leased <= self._news.keys()
        self._forget(leased)

    def _forget(self, event_ids: Collection[str]) -> None:
        for event_id in event_ids:
            self._news.pop(event_id, None)
