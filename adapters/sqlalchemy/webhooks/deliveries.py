"""Deliveries in a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Text,
    bindparam,
    insert,
    select,
    true,
    tuple_,
    update,
)

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.events.table import events
from adapters.sqlalchemy.webhooks import lane_statements as lanes
from adapters.sqlalchemy.webhooks.mapping import delivery_moves, delivery_values, to_delivery
from adapters.sqlalchemy.webhooks.orphans import ORPHANS
from adapters.sqlalchemy.webhooks.repository import is_visible
from adapters.sqlalchemy.webhooks.table import (
    DELIVERY_HAS_FAILED,
    DELIVERY_IS_PENDING,
    webhook_cursor,
    webhook_deliveries,
    webhook_lanes,
)
from domain.access.access import Access
from domain.shared.errors import Conflict
from domain.shared.identifiers import DeliveryId, EventId, WebhookId
from domain.shared.pagination import Cursor
from domain.webhooks.delivery import Delivery, DeliveryStatus

_NAME: Final = "outbox"
_CURSOR: Final = Lookup(select(webhook_cursor).where(webhook_cursor.c.name == bindparam("wanted")))
_BEGIN: Final[Executable] = insert(webhook_cursor)
_MOVE: Final[Executable] = (
    update(webhook_cursor)
    .where(
        webhook_cursor.c.name == bindparam("wanted"),
        webhook_cursor.c.position == bindparam("before"),
    )
    .values(position=bindparam("after"))
)
_GET: Final = Lookup(
    select(webhook_deliveries).where(webhook_deliveries.c.id == bindparam("wanted"))
)
_REDELIVER: Final[Executable] = update(webhook_deliveries).where(
    webhook_deliveries.c.id == bindparam("wanted")
)
_PRUNE: Final[Executable] = delete_some(
    webhook_deliveries,
    ~DELIVERY_IS_PENDING,
    webhook_deliveries.c.settled_at < bindparam("before"),
)

_LEFT: Final = (
    (webhook_deliveries, DELIVERY_IS_PENDING),
    (webhook_lanes, true()),
)
_REMOVE: Final[Sequence[Executable]] = [
    delete_some(table, table.c.webhook_id == bindparam("of_webhook"), condition)
    for table, condition in _LEFT
]


class SqlDeliveries:
    """Implements :class:`domain.webhooks.delivery_repository.DeliveryRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = "sqlite" if database.embedded else "postgresql"

    async def cursor(self) -> int | None:
        """Return the position of the last event that was fanned out."""
        rows = await self._database.read(_CURSOR, {"wanted": _NAME})
        return int(rows[0].position) if rows else None

    async def fan_out(self, deliveries: Sequence[Delivery], before: int | None, after: int) -> bool:
        """Add ``deliveries`` and move the cursor."""
        rows = [delivery_values(delivery) for delivery in deliveries]
        due = _lanes(deliveries)

        def work(connection: Connection) -> None:
            if before is None:
                connection.execute(_BEGIN, {"name": _NAME, "position": after})
            else:
                values = {"wanted": _NAME, "before": before, "after": after}
                if connection.execute(_MOVE, values).rowcount == 0:
                    raise Conflict("Another process has moved the cursor.")
            if rows:
                connection.execute(lanes.ADD[self._dialect], rows)
            if due:
                connection.execute(lanes.ENQUEUE[self._dialect], due)

        try:
            # Alone: it locks many lanes, in order, and holds no other lock before.
            await self._database.transact_alone(work)
        except Conflict:
            return False
        return True

    async def get(self, delivery_id: DeliveryId, access: Access) -> Delivery | None:
        """Return the delivery with this id, if its webhook is visible."""
        rows = await self._database.read(_GET, {"wanted": delivery_id.value})
        found = to_delivery(rows[0]) if rows else None
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
        wanted = webhook_deliveries.c.webhook_id == webhook_id.value
        return await self._newest(wanted, status, after, limit, access)

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
        of_lane = select(events.c.id).where(events.c.lane == lane)
        if event_id is not None:
            of_lane = of_lane.where(events.c.id == event_id.value)
        wanted = webhook_deliveries.c.event_id.in_(of_lane)
        return await self._newest(wanted, status, after, limit, access)

    async def _newest(
        self,
        wanted: ColumnElement[bool],
        status: DeliveryStatus | None,
        after: Cursor | None,
        limit: int,
        access: Access,
    ) -> list[Delivery]:
        table = webhook_deliveries.c
        query = select(webhook_deliveries).where(wanted, is_visible(webhook_deliveries, access))
        if status is not None:
            query = query.where(table.status == status.value)
        values: dict[str, Any] = {}
        if after is not None:
            at, least = bindparam("at", type_=UtcDateTime), bindparam("least", type_=Text)
            query = query.where(tuple_(table.created_at, table.id) < tuple_(at, least))
            values = {"at": after.created_at, "least": after.id}
        query = query.order_by(table.created_at.desc(), table.id.desc()).limit(limit)
        return [to_delivery(row) for row in await self._database.read_many(query, values)]

    async def oldest_failed(
        self, webhook_id: WebhookId, before: datetime, limit: int, access: Access
    ) -> list[Delivery]:
        """Return a webhook's deliveries that failed before then, in the order of their events."""
        table = webhook_deliveries.c
        query = select(webhook_deliveries).where(
            table.webhook_id == webhook_id.value,
            DELIVERY_HAS_FAILED,
            table.settled_at < bindparam("before", type_=UtcDateTime),
        )
        query = query.order_by(table.position).limit(limit)
        rows = await self._database.read_many(query, {"before": before})
        found = [to_delivery(row) for row in rows]
        return [delivery for delivery in found if delivery.reach.is_visible_to(access)]

    async def redeliver(self, deliveries: Sequence[Delivery], due_at: datetime) -> int:
        """Store deliveries that are pending again, and have their lanes due then."""
        moves = [{"wanted": each.id.value, **delivery_moves(each)} for each in deliveries]
        due = [{**lane, "due_at": due_at} for lane in _lanes(deliveries)]

        def work(connection: Connection) -> int:
            changed = sum(connection.execute(_REDELIVER, move).rowcount for move in moves)
            if due:
                connection.execute(lanes.HASTEN[self._dialect], due)
            return changed

        return await self._database.transact_alone(work)

    async def remove_pending(self, webhook_id: WebhookId) -> None:
        """Delete what waits for a webhook that was deleted."""
        for statement in _REMOVE:
            await self._database.repeat(statement, {"of_webhook": webhook_id.value})

    async def prune(self, before: datetime) -> int:
        """Delete deliveries that were settled before then, and what waits for no webhook."""
        for query in ORPHANS:
            for row in await self._database.read_many(query):
                await self.remove_pending(WebhookId(row[0]))
        return await self._database.repeat(_PRUNE, {"before": before})


def _lanes(deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Return the rows of the lanes in which ``deliveries`` wait, in the order of their locks."""
    due = {
        (each.webhook_id.value, each.lane): each.next_attempt_at
        for each in reversed(deliveries)
        if each.is_pending
    }
    return [
        {"webhook_id": webhook_id, "lane": lane, "version": 1, "due_at": due_at}
        for (webhook_id, lane), due_at in sorted(due.items())
    ]
