"""Read the inbox."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from domain.access.access import Access, Scope
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.repository import Inbox
from domain.shared.errors import NotFound
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page


@attrs.frozen(kw_only=True)
class InboxFilter:
    """Select the entries that match every field that is not None.

    Rooms of one name, one after another, differ by ``room_sid``.
    """

    status: InboxStatus | None = None
    room_name: str | None = None
    room_sid: str | None = None


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

    async def page(
        self,
        wanted: InboxFilter,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[InboxEntry] | None = None,
    ) -> Page[InboxEntry]:
        """Return the entries that match, newest first, of those after ``after``."""
        access.require(Scope.ADMIN)

        async def read(after: Cursor | None, limit: int) -> list[InboxEntry]:
            return await self.inbox.list(
                wanted.status, limit, wanted.room_name, wanted.room_sid, after
            )

        return await read_page(read, after, limit, capacity)

    async def by_id(self, event_id: str, access: Access) -> InboxEntry:
        """Return the entry of this event. Raises ``NotFound``."""
        access.require(Scope.ADMIN)
        return await find_entry(self.inbox, event_id)

    async def counts(self, access: Access) -> Mapping[InboxStatus, int]:
        """Return the number of entries of each status."""
        access.require(Scope.ADMIN)
        return await self.inbox.counts()


async def find_entry(inbox: Inbox, event_id: str) -> InboxEntry:
    """Return the entry of this event. Raises ``NotFound``."""
    entry = await inbox.get(event_id)
    if entry is None:
        raise NotFound(f"There is no event '{event_id}' in the inbox.", field="eventId")
    return entry
