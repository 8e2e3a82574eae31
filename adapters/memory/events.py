"""The outbox in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import ClassVar

import attrs

from adapters.memory.capability import Capability, Mentions
from domain.access.access import Access, visible
from domain.events.announcer import Announcer
from domain.events.domain_event import DomainEvent, EventHead, NewEvent, StoredEvent
from domain.privacy.data_subject import DataSubject
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import EventId, SessionId


class MemoryOutbox(Capability):
    """Implements :class:`domain.events.outbox.Outbox`."""

    counted_as: ClassVar[str] = "domain_events"
    quotes_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        self.stored: list[StoredEvent] = []
        self._position = 0
        self._newest = Counter[str]()

    def put(self, events: Iterable[DomainEvent]) -> None:
        """Store ``events`` behind those in their lanes."""
        for event in events:
            self._position += 1
            self._newest[event.lane] += 1
            self.stored.append(
                StoredEvent(
                    **{field.name: getattr(event, field.name) for field in _FIELDS},
                    position=self._position,
                    sequence=self._newest[event.lane],
                )
            )

    async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
        """Return events behind ``position``."""
        return [event for event in self.stored if event.position > position][:limit]

    async def heads_after(
        self,
        position: int,
        limit: int,
        unreadable: list[StorageUnavailable],  # noqa: ARG002 - none is
    ) -> Sequence[EventHead]:
        """Return the heads of the events behind ``position``."""
        return [
            EventHead(
                position=event.position,
                id=event.id,
                kind=event.kind.value,
                lane=event.lane,
                tenant=event.tenant,
                known_at=event.known_at,
            )
            for event in await self.after(position, limit)
        ]

    async def last_position(self) -> int:
        """Return the last position."""
        return self.stored[-1].position if self.stored else 0

    async def highest_position(self) -> int:
        """Return the highest position that was given."""
        return self._position

    async def find(self, event_id: EventId, access: Access) -> StoredEvent | None:
        """Return the event with this id, if visible."""
        found = next((event for event in self.stored if event.id == event_id), None)
        return visible(found, access)

    async def page(
        self, lane: str, below: int | None, limit: int, access: Access
    ) -> Sequence[StoredEvent]:
        """Return the newest visible events of ``lane``."""
        found = [
            event
            for event in reversed(self.stored)
            if event.lane == lane
            and (below is None or event.sequence < below)
            and access.sees(event.tenant)
        ]
        return found[:limit]

    def ids_in(self, lane: str) -> set[EventId]:
        """Return the ids of the events of ``lane``."""
        return {event.id for event in self.stored if event.lane == lane}

    async def prune(self, before: datetime) -> int:
        """Delete lanes whose newest event became known before then."""
        young = {event.lane for event in self.stored if event.known_at >= before}
        return self._keep([event for event in self.stored if event.lane in young])

    def mentions(self, person: DataSubject, ids: Collection[str]) -> Mentions:
        """The events that mention ``person`` or quote one of ``ids``."""
        return {
            event.position: False
            for event in self.stored
            if person.is_in_resource(event.data) or any(one in event.data for one in ids)
        }

    def erase(self, keys: Collection[int]) -> None:
        """Delete events."""
        self._keep([event for event in self.stored if event.position not in keys])

    def _keep(self, kept: list[StoredEvent]) -> int:
        deleted = len(self.stored) - len(kept)
        self.stored = kept
        self._newest = Counter({event.lane: event.sequence for event in kept})
        return deleted


_FIELDS = attrs.fields(DomainEvent)


class MemoryEvents:
    """Implements :class:`domain.events.outbox.EventAppender`.

    Without an ``announcer`` changes are stored and not announced.
    """

    def __init__(
        self,
        outbox: MemoryOutbox,
        announcer: Announcer | None,
        lane_of: Callable[[SessionId], Awaitable[str]],
    ) -> None:
        self.announcer = announcer
        self._outbox = outbox
        self._lane_of = lane_of
        self._events: list[DomainEvent] = []

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
        self._events += events

    def forget(self) -> None:
        """Drop the events."""
        self._events = []

    def prepared(self) -> Callable[[], None]:
        """Return what stores the events."""
        events = self._events

        def store() -> None:
            if events:
                self._outbox.put(events)

        return store

    def committed(self) -> None:
        """Say which kinds of events this unit has stored."""
        if self.announcer is not None and self._events:
            self.announcer.appended([event.kind for event in self._events])
