"""Deliveries and their lanes in the process's memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.memory.capability import Capability
from adapters.memory.delivery_lists import counted, newest, oldest_failed
from adapters.memory.lane_state import Lane, LaneState
from domain.access.access import Access
from domain.shared.identifiers import DeliveryId, EventId, WebhookId
from domain.shared.pagination import Cursor
from domain.webhooks.delivery import LONGEST_WAIT, Delivery, DeliveryStatus
from domain.webhooks.lane_repository import LaneClaim, Waiting


class MemoryDeliveries(Capability):
    """Implements :class:`domain.webhooks.delivery_repository.DeliveryRepository`.

    And :class:`domain.webhooks.lane_repository.LaneRepository`.
    """

    def __init__(self, ids_in: Callable[[str], set[EventId]]) -> None:
        self._ids_in = ids_in
        """Returns the ids of the events of a lane."""
        self._cursor: int | None = None
        self.stored: dict[DeliveryId, Delivery] = {}
        self._events: set[tuple[WebhookId, EventId]] = set()
        self._lanes: dict[Lane, LaneState] = {}
        self._waiting: dict[Lane, dict[DeliveryId, int]] = {}
        """The pending deliveries of each lane, with their positions."""

    async def cursor(self) -> int | None:
        """Return the position of the last event that was fanned out."""
        return self._cursor

    async def fan_out(self, deliveries: Sequence[Delivery], before: int | None, after: int) -> bool:
        """Add ``deliveries`` and move the cursor."""
        if self._cursor != before:
            return False
        self._cursor = after
        for delivery in deliveries:
            if (delivery.webhook_id, delivery.event_id) not in self._events:
                self._put(delivery)
                if delivery.is_pending:
                    self._enqueue(delivery, None)
        return True

    async def due(self, now: datetime) -> list[WebhookId]:
        """Return the webhooks with lanes that may be claimed now."""
        return list({webhook_id for (webhook_id, _), _ in self._due(now)})

    async def claim(
        self, limits: Mapping[WebhookId, int], holder: str, now: datetime, until: datetime
    ) -> list[LaneClaim]:
        """Lease the lanes that have been due longest, up to the limit of each webhook."""
        left, claims = dict(limits), list[LaneClaim]()
        for (webhook_id, lane), state in sorted(self._due(now), key=lambda one: one[1].due_at):
            if left.get(webhook_id, 0) > 0:
                left[webhook_id] -= 1
                state.holder, state.expires_at = holder, until
                claims.append(LaneClaim(webhook_id=webhook_id, lane=lane, holder=holder))
        return claims

    async def waiting(self, claim: LaneClaim, limit: int) -> Waiting | None:
        """Return what waits in a claimed lane; None if the lease is lost."""
        state = self._held(claim)
        if state is None:
            return None
        waiting = self._waiting.get((claim.webhook_id, claim.lane), {})
        oldest = sorted(waiting, key=waiting.__getitem__)[:limit]
        return Waiting(version=state.version, deliveries=[self.stored[one] for one in oldest])

    async def settle(self, delivery: Delivery, claim: LaneClaim) -> bool:
        """Store what became of a delivery."""
        found = self.stored.get(delivery.id)
        is_its = found is not None and found.is_pending and found.lane == claim.lane
        if self._held(claim) is None or not is_its:
            return False
        self._put(delivery)
        return True

    async def postpone(self, delivery: Delivery, claim: LaneClaim) -> bool:
        """Store a delivery that is to be tried again, and release its lane until then."""
        state = self._held(claim)
        if state is None or not await self.settle(delivery, claim):
            return False
        state.due_at = delivery.next_attempt_at or state.due_at
        state.release()
        return True

    async def finish(self, claim: LaneClaim, version: int) -> bool:
        """Remove an empty lane."""
        state = self._held(claim)
        if state is None or state.version != version:
            return False
        del self._lanes[claim.webhook_id, claim.lane]
        return True

    async def drop(self, claim: LaneClaim) -> None:
        """Remove a lane and its pending deliveries."""
        if self._held(claim) is None:
            return
        lane = claim.webhook_id, claim.lane
        self._delete([*self._waiting.get(lane, {})])
        del self._lanes[lane]

    async def release(self, claim: LaneClaim, due_at: datetime) -> None:
        """End the lease."""
        if (state := self._held(claim)) is not None:
            state.due_at = due_at
            state.release()

    async def renew(self, holders: Collection[str], until: datetime) -> None:
        """Prolong the leases that ``holders`` still have."""
        for state in self._lanes.values():
            if state.holder in holders:
                state.expires_at = until

    async def lapse(self, now: datetime, horizon: datetime) -> None:
        """End leases that were over before ``now``, or would be over only after ``horizon``."""
        for state in self._lanes.values():
            if state.expires_at is not None and not now < state.expires_at <= horizon:
                state.release()
            if state.holder is None and state.due_at > now + LONGEST_WAIT:
                state.due_at = now

    async def get(self, delivery_id: DeliveryId, access: Access) -> Delivery | None:
        """Return the delivery with this id, if its webhook is visible."""
        found = self.stored.get(delivery_id)
        return found if found is not None and found.reach.is_visible_to(access) else None

    async def page(
        self,
        webhook_id: WebhookId,
        status: DeliveryStatus | None,
        after: Cursor | None,
        limit: int,
        access: Access,
    ) -> list[Delivery]:
        """Return a webhook's newest ``limit`` deliveries, of those older than ``after``."""
        return newest(self._of(webhook_id, access), status, after, limit)

    async def in_lane(  # noqa: PLR0913, PLR0917 - a list's filter and place
        self,
        lane: str,
        event_id: EventId | None,
        status: DeliveryStatus | None,
        after: Cursor | None,
        limit: int,
        access: Access,
    ) -> list[Delivery]:
        """Return the newest ``limit`` visible deliveries of the stored events of ``lane``."""
        ids = self._ids_in(lane) if event_id is None else self._ids_in(lane) & {event_id}
        of_lane = [one for one in self.stored.values() if one.event_id in ids]
        visible = [one for one in of_lane if one.reach.is_visible_to(access)]
        return newest(visible, status, after, limit)

    async def oldest_failed(
        self, webhook_id: WebhookId, before: datetime, limit: int, access: Access
    ) -> list[Delivery]:
        """Return a webhook's deliveries that failed before then, in the order of their events."""
        return oldest_failed(self._of(webhook_id, access), before, limit)

    async def redeliver(self, deliveries: Sequence[Delivery], due_at: datetime) -> int:
        """Store deliveries that are pending again, and have their lanes due then."""
        there = [one for one in deliveries if one.id in self.stored]
        for delivery in there:
            self._put(delivery)
            self._enqueue(delivery, due_at)
        return len(there)

    async def remove_pending(self, webhook_id: WebhookId) -> None:
        """Delete what waits for a webhook that was deleted."""
        for lane in [lane for lane in self._lanes if lane[0] == webhook_id]:
            self._delete([*self._waiting.get(lane, {})])
            del self._lanes[lane]

    async def prune(self, before: datetime) -> int:
        """Delete deliveries that were settled before then."""
        old = [
            one.id
            for one in self.stored.values()
            if one.settled_at is not None and one.settled_at < before
        ]
        self._delete(old)
        return len(old)

    def statistics(self) -> Mapping[str, Any]:
        """Return how many are pending, since when, and how many were set aside."""
        return counted(self.stored.values())

    def free(self, prefix: str) -> None:
        """End the leases whose holders' names begin so."""
        for state in self._lanes.values():
            if state.holder is not None and state.holder.startswith(prefix):
                state.release()

    def _due(self, now: datetime) -> Iterable[tuple[Lane, LaneState]]:
        return [
            (lane, state)
            for lane, state in self._lanes.items()
            if state.holder is None and state.due_at <= now
        ]

    def _held(self, claim: LaneClaim) -> LaneState | None:
        state = self._lanes.get((claim.webhook_id, claim.lane))
        return state if state is not None and state.holder == claim.holder else None

    def _of(self, webhook_id: WebhookId, access: Access) -> list[Delivery]:
        return [
            one
            for one in self.stored.values()
            if one.webhook_id == webhook_id and one.reach.is_visible_to(access)
        ]

    def _put(self, delivery: Delivery) -> None:
        before = self.stored.get(delivery.id)
        if before is not None:
            self._leave(before)
        self.stored[delivery.id] = delivery
        self._events.add((delivery.webhook_id, delivery.event_id))
        if delivery.is_pending:
            lane = delivery.webhook_id, delivery.lane
            self._waiting.setdefault(lane, {})[delivery.id] = delivery.position

    def _enqueue(self, delivery: Delivery, due_at: datetime | None) -> None:
        lane = delivery.webhook_id, delivery.lane
        state = self._lanes.get(lane)
        if state is None:
            self._lanes[lane] = LaneState(due_at or delivery.next_attempt_at or delivery.created_at)
            return
        state.version += 1
        state.due_at = due_at or state.due_at

    def _leave(self, delivery: Delivery) -> None:
        lane = delivery.webhook_id, delivery.lane
        waiting = self._waiting.get(lane, {})
        waiting.pop(delivery.id, None)
        if not waiting:
            self._waiting.pop(lane, None)

    def _delete(self, delivery_ids: Collection[DeliveryId]) -> None:
        for delivery_id in delivery_ids:
            delivery = self.stored.pop(delivery_id)
            self._events.discard((delivery.webhook_id, delivery.event_id))
            self._leave(delivery)
