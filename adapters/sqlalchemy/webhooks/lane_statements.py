"""The statements that claim lanes and store what becomes of their deliveries."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    Executable,
    Insert,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.webhooks.table import (
    DELIVERY_IS_PENDING,
    LANE_IS_FREE,
    LANE_IS_LEASED,
    webhook_deliveries,
    webhook_lanes,
    webhooks,
)

_lane: Final = webhook_lanes.c
_delivery: Final = webhook_deliveries.c
# One range of the index, however many lanes wait for a retry.
_is_due: Final = and_(LANE_IS_FREE, _lane.due_at <= bindparam("now", type_=UtcDateTime))
_is_mine: Final = and_(
    _lane.webhook_id == bindparam("of_webhook"),
    _lane.lane == bindparam("of_lane"),
    _lane.lease_holder == bindparam("by"),
)

# Each webhook is probed, not each lane: a backlog has many lanes of few webhooks.
DUE: Final = Lookup(
    select(webhooks.c.id).where(exists(select(1).where(_lane.webhook_id == webhooks.c.id, _is_due)))
)


def _claim() -> Any:
    found = (
        select(_lane.webhook_id, _lane.lane)
        .where(_lane.webhook_id == bindparam("of_webhook"), _is_due)
        .order_by(_lane.due_at)
        .limit(bindparam("most", type_=Integer))
        # Another process's lane is passed over, not waited for. SQLite has one writer.
        .with_for_update(skip_locked=True)
    )
    return (
        update(webhook_lanes)
        .where(tuple_(_lane.webhook_id, _lane.lane).in_(found))
        .values(lease_holder=bindparam("by"), lease_expires_at=bindparam("until"))
        .returning(_lane.webhook_id, _lane.lane)
    )


CLAIM: Final[Executable] = _claim()


def _waiting() -> Select[Any]:
    is_waiting = and_(
        _delivery.webhook_id == _lane.webhook_id,
        _delivery.lane == _lane.lane,
        DELIVERY_IS_PENDING,
    )
    return (
        select(_lane.version, *(column for column in _delivery))
        .select_from(webhook_lanes.outerjoin(webhook_deliveries, is_waiting))
        .where(_is_mine)
        .order_by(_delivery.position)
        .limit(bindparam("most", type_=Integer))
    )


WAITING: Final = Lookup(_waiting())
"""The version of a claimed lane, with each of its oldest deliveries; one row if there is none."""

SETTLE: Final[Executable] = update(webhook_deliveries).where(
    _delivery.id == bindparam("settled"),
    _delivery.lane == bindparam("of_lane"),
    DELIVERY_IS_PENDING,
    exists(select(1).where(_is_mine)),
)
POSTPONE: Final[Executable] = (
    update(webhook_lanes)
    .where(_is_mine)
    .values(due_at=bindparam("until"), lease_holder=None, lease_expires_at=None)
)
FINISH: Final[Executable] = delete(webhook_lanes).where(
    _is_mine, _lane.version == bindparam("seen_version")
)
REMOVE_LANE: Final[Executable] = delete(webhook_lanes).where(_is_mine)
REMOVE_WAITING: Final[Executable] = delete(webhook_deliveries).where(
    _delivery.webhook_id == bindparam("of_webhook"),
    _delivery.lane == bindparam("of_lane"),
    DELIVERY_IS_PENDING,
    exists(select(1).where(_is_mine)),
)
_held: Final = and_(LANE_IS_LEASED, _lane.lease_holder.in_(bindparam("holders", expanding=True)))
RENEW: Final[Executable] = (
    update(webhook_lanes).where(_held).values(lease_expires_at=bindparam("until"))
)


def _lapse() -> Executable:
    over = or_(
        _lane.lease_expires_at <= bindparam("now", type_=UtcDateTime),
        _lane.lease_expires_at > bindparam("horizon", type_=UtcDateTime),
    )
    found = (
        select(_lane.webhook_id, _lane.lane)
        .where(LANE_IS_LEASED, over)
        .with_for_update(skip_locked=True)
    )
    return (
        update(webhook_lanes)
        .where(tuple_(_lane.webhook_id, _lane.lane).in_(found))
        .values(lease_holder=None, lease_expires_at=None)
    )


LAPSE: Final[Executable] = _lapse()
HASTEN_LATE: Final[Executable] = (
    update(webhook_lanes)
    .where(
        _lane.webhook_id.in_(select(webhooks.c.id)),
        LANE_IS_FREE,
        _lane.due_at > bindparam("horizon", type_=UtcDateTime),
    )
    .values(due_at=bindparam("now", type_=UtcDateTime))
)
"""Have lanes due that were stored before the clock was set back."""


def _enqueue(dialect: Any) -> Insert:
    added = dialect.insert(webhook_lanes)
    made: Insert = added.on_conflict_do_update(
        index_elements=["webhook_id", "lane"], set_={"version": _lane.version + 1}
    )
    return made


def _hasten(dialect: Any) -> Insert:
    added = dialect.insert(webhook_lanes)
    made: Insert = added.on_conflict_do_update(
        index_elements=["webhook_id", "lane"],
        set_={"version": _lane.version + 1, "due_at": added.excluded.due_at},
    )
    return made


ENQUEUE: Final = {"postgresql": _enqueue(postgresql), "sqlite": _enqueue(sqlite)}
"""Add a lane, or note that it has more; one that waits for a retry goes on waiting."""
HASTEN: Final = {"postgresql": _hasten(postgresql), "sqlite": _hasten(sqlite)}
"""The same, and have it due."""
ADD: Final = {
    "postgresql": postgresql.insert(webhook_deliveries).on_conflict_do_nothing(
        index_elements=["webhook_id", "event_id"]
    ),
    "sqlite": sqlite.insert(webhook_deliveries).on_conflict_do_nothing(
        index_elements=["webhook_id", "event_id"]
    ),
}
