"""Work one inbox entry off."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.repository import Inbox
from domain.reconciliation.event_relevance import EGRESS_EVENTS
from domain.reconciliation.handle_room_event import HandleRoomEvent
from domain.recordings.handle_egress_event import HandleEgressEvent
from domain.rooms.event_reader import EventReader
from domain.shared.clock import Clock
from domain.shared.errors import ClaimHeld, Conflict, DomainError, RateLimited, TooEarly

SOON: Final = timedelta(milliseconds=250)
"""When to retry an event whose session another process is working on."""


@attrs.frozen(kw_only=True)
class ProcessInboxEntry:
    """Handles the event of an entry that ``holder`` has leased, and stores what became of it."""

    inbox: Inbox
    reader: EventReader
    handle_room_event: HandleRoomEvent
    clock: Clock
    handle_egress_event: HandleEgressEvent | None = None

    async def __call__(self, entry: InboxEntry, holder: str) -> InboxEntry:
        """The entry afterwards: handled, or due again later, or dead.

        Raises ``StorageUnavailable`` if that could not be stored (the lease then runs out), and
        whatever a defect raises after it was counted as a failure.
        """
        try:
            await self._handle(entry)
        except DomainError as error:
            entry = self._after(entry, error)
        except Exception as defect:
            reason = f"a defect ({type(defect).__name__}); see the log"
            await self.inbox.settle(entry.failed(reason, self.clock.now()), holder)
            raise
        else:
            entry = entry.handled(self.clock.now())
        await self.inbox.settle(entry, holder)
        return entry

    async def _handle(self, entry: InboxEntry) -> None:
        if entry.event.kind in EGRESS_EVENTS:
            if self.handle_egress_event is not None:
                await self.handle_egress_event(entry.event.body)
            return
        event = self.reader.read(entry.event.body, entry.received_at)
        if event is not None:
            await self.handle_room_event(event, entry.received_at)

    def _after(self, entry: InboxEntry, error: DomainError) -> InboxEntry:
        reason, now = str(error), self.clock.now()
        match error:
            case TooEarly():
                return entry.deferred(reason, now, error.due_at)
            case ClaimHeld() | Conflict():
                return entry.deferred(reason, now, now + SOON)
            case RateLimited():
                return entry.deferred(reason, now, now + timedelta(seconds=error.retry_after))
        if error.is_outage:
            return entry.held_up(reason, now)
        return entry.failed(reason, now)

    @staticmethod
    def is_done(entry: InboxEntry) -> bool:
        """Return whether the entry needs no further attempt."""
        return entry.status is not InboxStatus.PENDING
