"""Give dead letters another chance."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from domain.access.access import Access, Scope
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.read_entries import find_entry
from domain.inbox.repository import Inbox
from domain.shared.clock import Clock


@attrs.frozen(kw_only=True)
class ReplayEntries:
    """Makes stored events pending again, as if they had just come in.

    Handling an event again is harmless: what is known already changes nothing.
    """

    inbox: Inbox
    clock: Clock

    async def __call__(self, event_ids: Sequence[str], access: Access) -> list[InboxEntry]:
        """Return the entries of ``event_ids``, pending again.

        Raises ``Forbidden`` without the scope ``admin``, and ``NotFound`` before it changes any.
        """
        access.require(Scope.ADMIN)
        entries = [await find_entry(self.inbox, event_id) for event_id in event_ids]
        now = self.clock.now()
        pending = [entry.replayed(now) for entry in entries if entry.status is not _PENDING]
        for entry in pending:
            await self.inbox.replay(entry)
        return pending

    async def dead(self, access: Access, limit: int = 1000) -> list[InboxEntry]:
        """Return every dead letter, up to ``limit``, pending again. Raises as above."""
        access.require(Scope.ADMIN)
        dead = await self.inbox.list(InboxStatus.DEAD, limit)
        return await self([entry.event.id for entry in dead], access)


_PENDING = InboxStatus.PENDING
