"""The ports to the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.access.access import Access
from domain.events.domain_event import EventHead, NewEvent, StoredEvent
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import EventId
from domain.shared.unit_of_work import UnitOfWork


class Outbox(Protocol):
    """Reads events in their order. Every method raises ``StorageUnavailable``."""

    async def after(self, position: int, limit: int) -> Sequence[StoredEvent]:
        """Return up to ``limit`` events behind ``position``, in order of their positions.

        No event will ever appear at or before the last one's position: what a running transaction
        may still put there is waited for, so that this may return less than is stored. A position
        may stay empty.
        """
        ...

    async def heads_after(
        self, position: int, limit: int, unreadable: list[StorageUnavailable]
    ) -> Sequence[EventHead]:
        """Return the heads of what :meth:`after` returns.

        The errors of rows that cannot be read are appended to ``unreadable``.
        """
        ...

    async def last_position(self) -> int:
        """Return the position behind which only later events will be; 0 if there was none."""
        ...

    async def highest_position(self) -> int:
        """Return the highest position that was given to an event, which may have been erased."""
        ...

    async def find(self, event_id: EventId, access: Access) -> StoredEvent | None:
        """Return the event with this id if it is stored and visible to ``access``."""
        ...

    async def page(
        self, lane: str, below: int | None, limit: int, access: Access
    ) -> Sequence[StoredEvent]:
        """Return the newest ``limit`` visible events of ``lane``, of those before ``below``.

        That is a sequence. What this version of the service cannot read is passed over.
        """
        ...

    async def prune(self, before: datetime) -> int:
        """Delete the lanes whose newest event became known before then; how many events."""
        ...


class EventAppender(Protocol):
    """Appends events to a unit of work."""

    async def append(self, event: NewEvent) -> None:
        """Append ``event`` behind those of its call or session, once the unit is committed.

        The session's changes append their events by themselves, as do the call's.
        """
        ...


class EventWork(UnitOfWork, Protocol):
    """A transaction that appends events."""

    @property
    def events(self) -> EventAppender:
        """The events that this transaction appends."""
        ...
