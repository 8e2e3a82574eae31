"""Read the inbox."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from domain.access.access import Access, Scope
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.repository import Inbox


@attrs.frozen
class ReadEntries:
    """Show stored events, which belong to no tenant.

    Every method raises ``Forbidden`` without the scope ``admin``, and ``StorageUnavailable``.
    """

    inbox: Inbox

    async def newest(
        self, status: InboxStatus | None, limit: int, access: Access, room_name: str | None = None
    ) -> list[InboxEntry]:
        """Return the newest entries, of this status and room if given."""
        access.require(Scope.ADMIN)
        return await self.inbox.list(status, limit, room_name)

    async def counts(self, access: Access) -> Mapping[InboxStatus, int]:
        """Return the number of entries of each status."""
        access.require(Scope.ADMIN)
        return await self.inbox.counts()
