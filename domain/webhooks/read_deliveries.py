"""Show what webhooks got of an event, or of a session or a call."""

from __future__ import annotations

import attrs

from domain.access.access import Access
from domain.calls.read_events import ReadEvents
from domain.events.outbox import Outbox
from domain.shared.errors import InvalidInput, NotFound
from domain.shared.identifiers import CallId, EventId, SessionId
from domain.shared.pagination import DEFAULT_LIMIT, Capacity, Cursor, Page, read_page
from domain.webhooks.delivery import Delivery, DeliveryStatus
from domain.webhooks.delivery_repository import DeliveryRepository
from domain.webhooks.manage_webhooks import READS


@attrs.frozen(kw_only=True)
class DeliveryFilter:
    """Select the deliveries that match every field that is not None.

    ``session_id`` and ``call_id`` select those of all events of the conversation.
    """

    session_id: SessionId | None = None
    call_id: CallId | None = None
    event_id: EventId | None = None
    status: DeliveryStatus | None = None


@attrs.frozen(kw_only=True)
class ReadDeliveries:
    """Shows the deliveries of stored events to the webhooks that are visible."""

    read_events: ReadEvents
    outbox: Outbox
    deliveries: DeliveryRepository

    async def __call__(
        self,
        wanted: DeliveryFilter,
        access: Access,
        after: Cursor | None = None,
        limit: int = DEFAULT_LIMIT,
        capacity: Capacity[Delivery] | None = None,
    ) -> Page[Delivery]:
        """Return the deliveries that match, newest first, of those after ``after``.

        There are none of what is not visible. Raises ``Forbidden`` without ``webhooks:read``,
        ``InvalidInput`` for a filter that names no event, session or call, and
        ``StorageUnavailable``.
        """
        access.require(*READS)
        lanes = await self._lanes(wanted, access)
        if not lanes:
            raise InvalidInput("Name a session, a call or an event.", field="sessionId")
        if len(lanes) > 1 or None in lanes:
            return Page([], None)
        lane = str(lanes.pop())

        async def read(after: Cursor | None, limit: int) -> list[Delivery]:
            return await self.deliveries.in_lane(
                lane, wanted.event_id, wanted.status, after, limit, access
            )

        return await read_page(read, after, limit, capacity)

    async def _lanes(self, wanted: DeliveryFilter, access: Access) -> set[str | None]:
        """Return the lane that each part of the filter names; None for what is not visible."""
        found: set[str | None] = set()
        try:
            if wanted.session_id is not None:
                lane = await self.read_events.lane_of_session(wanted.session_id.value, access)
                found.add(lane)
            if wanted.call_id is not None:
                found.add(await self.read_events.lane_of_call(wanted.call_id.value, access))
        except NotFound:
            found.add(None)
        if wanted.event_id is not None:
            event = await self.outbox.find(wanted.event_id, access)
            found.add(None if event is None else event.lane)
        return found
