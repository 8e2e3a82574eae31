"""The port that wakes the inbox worker."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import attrs

from domain.inbox.entry import InboxEntry


@attrs.frozen
class News:
    """An event that was just added; a room's are handled in the order of their time and id."""

    received_at: datetime
    event_id: str
    room_name: str

    @classmethod
    def of(cls, entry: InboxEntry) -> News:
        """Return what is announced of ``entry``."""
        return cls(entry.received_at, entry.event.id, entry.event.room_name)


class InboxSignal(Protocol):
    """Connects the receivers of events to the worker that processes them, in one process."""

    def arrival(self) -> AbstractContextManager[object]:
        """A block in which an event is on its way into the inbox: those go first."""
        ...

    def ring(self, news: News | None = None) -> None:
        """There is an event to handle: ``news``, or one that has to be looked for."""
        ...
