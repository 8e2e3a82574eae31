"""Show the stored events of a session or a call."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from domain.access.access import Access
from domain.calls.read_calls import ReadCalls
from domain.events.domain_event import StoredEvent
from domain.events.outbox import Outbox
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.session_events import session_lane
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page


@attrs.frozen(kw_only=True)
class ReadEvents:
    """The events of a session, and of the phone call that it serves, are in one order: a lane.

    Each method raises ``NotFound`` for a session or a call that is not visible, and
    ``StorageUnavailable``.
    """

    read_sessions: ReadSessions
    read_calls: ReadCalls
    outbox: Outbox

    async def of_session(
        self,
        session_id: str,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[StoredEvent] | None = None,
    ) -> Page[StoredEvent]:
        """Return the events of a session and its call, newest first, of those after ``after``."""
        lane = await self.lane_of_session(session_id, access)
        return await self._page(lane, access, after, limit, capacity)

    async def of_call(
        self,
        call_id: str,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[StoredEvent] | None = None,
    ) -> Page[StoredEvent]:
        """Return the events of a call and its session, newest first, of those after ``after``."""
        lane = await self.lane_of_call(call_id, access)
        return await self._page(lane, access, after, limit, capacity)

    async def lane_of_session(self, session_id: str, access: Access) -> str:
        """Return where the events of the session are."""
        return session_lane(await self.read_sessions.by_id(session_id, access))

    async def lane_of_call(self, call_id: str, access: Access) -> str:
        """Return where the events of the call are."""
        return (await self.read_calls.by_id(call_id, access)).id.value

    async def _page(
        self,
        lane: str,
        access: Access,
        after: Cursor | None,
        limit: int,
        capacity: Capacity[StoredEvent] | None,
    ) -> Page[StoredEvent]:
        async def read(place: Cursor | None, limit: int) -> list[StoredEvent]:
            below = None if place is None else StoredEvent.sequence_at(place)
            found: Sequence[StoredEvent] = await self.outbox.page(lane, below, limit, access)
            return [*found]

        return await read_page(read, after, limit, capacity)
