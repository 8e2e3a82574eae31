"""Find the webhooks that were deleted while deliveries were being enqueued for them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, Select, Table, exists, func, select, true

from adapters.sqlalchemy.webhooks.table import (
    DELIVERY_IS_PENDING,
    webhook_deliveries,
    webhook_lanes,
    webhooks,
)


def _orphans(table: Table, condition: ColumnElement[bool]) -> Select[tuple[str]]:
    """Return the query for ids of webhooks that ``table`` has rows of and that do not exist.

    It goes from one id to the next in an index, so that it costs the same however many rows each
    of them has.
    """
    column = table.c.webhook_id
    first = select(func.min(column).label("id")).where(condition)
    found = first.cte("found", recursive=True)
    following = select(func.min(column)).where(condition, column > found.c.id).scalar_subquery()
    found = found.union_all(select(following).where(found.c.id.is_not(None)))
    is_known = exists(select(1).where(webhooks.c.id == found.c.id))
    return select(found.c.id).where(found.c.id.is_not(None), ~is_known)


ORPHANS: Final = (
    _orphans(webhook_deliveries, DELIVERY_IS_PENDING),
    _orphans(webhook_lanes, true()),
)
