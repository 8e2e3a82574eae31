"""The events of a unit of work on a database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from adapters.sqlalchemy.engine.write import Write
from adapters.sqlalchemy.events.appending import append
from domain.events.announcer import Announcer
from domain.events.domain_event import DomainEvent, EventKind, NewEvent
from domain.shared.identifiers import SessionId


class SqlEvents:
    """Implements :class:`domain.events.outbox.EventAppender`.

    Events are appended to ``writes``, for the unit of work to carry out. ``lane_of`` returns the
    lane of a session. Without an ``announcer`` changes are stored and not announced.
    """

    def __init__(
        self,
        writes: list[Write],
        announcer: Announcer | None,
        lane_of: Callable[[SessionId], Awaitable[str]],
    ) -> None:
        self.announcer = announcer
        self._writes = writes
        self._lane_of = lane_of
        self._kinds: list[EventKind] = []

    async def append(self, event: NewEvent) -> None:
        """Append ``event`` behind those of its call or session."""
        if self.announcer is None:
            raise RuntimeError("A storage without an announcer appends no events.")
        lane = None
        if event.call_id is not None:
            lane = event.call_id.value
        elif event.session_id is not None:
            lane = await self._lane_of(event.session_id)
        self.extend([self.announcer.event(event, lane)])

    def extend(self, events: Iterable[DomainEvent]) -> None:
        """Append ``events`` in their order."""
        for event in events:
            self._writes.append(append(event))
            self._kinds.append(event.kind)

    def write(self, write: Write, event: DomainEvent) -> None:
        """Append a write that stores ``event`` too."""
        self._writes.append(write)
        self._kinds.append(event.kind)

    def announce_at(self, *, end_pending: bool) -> datetime | None:
        """Return when the end of what is stored now is announced; None if none is pending."""
        if self.announcer is None:
            return None
        return self.announcer.announce_at(end_pending=end_pending)

    def committed(self) -> None:
        """Say which kinds of events this unit has made durable."""
        if self.announcer is not None and self._kinds:
            self.announcer.appended([*self._kinds])

    def forget(self) -> None:
        """No longer know the events, which are committed or undone."""
        self._kinds.clear()
