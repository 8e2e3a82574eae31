"""The tables of outgoing webhooks."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    Update,
    func,
    literal_column,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability, is_held
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata

webhooks: Final = Table(
    "webhooks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", Text),
    Column("sees_unowned", Boolean, nullable=False),
    Column("sees_all", Boolean, nullable=False),
    Column("url", Text, nullable=False),
    # A JSON list.
    Column("events", Text, nullable=False),
    Column("description", Text),
    Column("secret", Text, nullable=False),
    # One or more, the newest first, with blanks between.
    Column("previous_secret", Text),
    Column("previous_until", UtcDateTime),
    Column("after_position", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("disabled_reason", String(16)),
    Column("failing_since", UtcDateTime),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
Index("ix_webhooks_tenant", webhooks.c.tenant, webhooks.c.created_at, webhooks.c.id)
Index("ix_webhooks_created", webhooks.c.created_at, webhooks.c.id)

# How far the outbox was read: one row.
webhook_cursor: Final = Table(
    "webhook_cursor",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("position", BigInteger, nullable=False),
)

webhook_deliveries: Final = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("webhook_id", String(36), nullable=False),
    Column("tenant", Text),
    Column("sees_unowned", Boolean, nullable=False),
    Column("sees_all", Boolean, nullable=False),
    Column("event_id", String(36), nullable=False),
    Column("event", String(64), nullable=False),
    Column("lane", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("failures", Integer, nullable=False),
    # A JSON list of the latest attempts.
    Column("attempts", Text, nullable=False),
    Column("next_attempt_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    # Since 0028; null unless it is pending after an attempt, or was redelivered.
    Column("changed_at", UtcDateTime),
)
DELIVERY_IS_PENDING: Final[ColumnElement[bool]] = webhook_deliveries.c.status == literal_column(
    "'pending'", String
)
DELIVERY_HAS_FAILED: Final[ColumnElement[bool]] = webhook_deliveries.c.status == literal_column(
    "'failed'", String
)
Index(
    "uq_webhook_deliveries_event",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.event_id,
    unique=True,
)
Index("ix_webhook_deliveries_of_event", webhook_deliveries.c.event_id)
Index(
    "ix_webhook_deliveries_waiting",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.lane,
    webhook_deliveries.c.position,
    sqlite_where=DELIVERY_IS_PENDING,
    postgresql_where=DELIVERY_IS_PENDING,
)
Index(
    "ix_webhook_deliveries_failed",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.position,
    sqlite_where=DELIVERY_HAS_FAILED,
    postgresql_where=DELIVERY_HAS_FAILED,
)
Index(
    "ix_webhook_deliveries_pending",
    webhook_deliveries.c.created_at,
    sqlite_where=DELIVERY_IS_PENDING,
    postgresql_where=DELIVERY_IS_PENDING,
)
Index(
    "ix_webhook_deliveries_created",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.created_at,
    webhook_deliveries.c.id,
)
Index(
    "ix_webhook_deliveries_status",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.status,
    webhook_deliveries.c.created_at,
    webhook_deliveries.c.id,
)
Index("ix_webhook_deliveries_settled", webhook_deliveries.c.settled_at)
DELIVERY_HAS_CHANGED: Final[ColumnElement[bool]] = webhook_deliveries.c.changed_at.is_not(None)
Index(
    "ix_webhook_deliveries_changed",
    webhook_deliveries.c.changed_at,
    sqlite_where=DELIVERY_HAS_CHANGED,
    postgresql_where=DELIVERY_HAS_CHANGED,
)

# A lane has a row while deliveries wait in it; version counts what was added.
webhook_lanes: Final = Table(
    "webhook_lanes",
    metadata,
    Column("webhook_id", String(36), primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_holder", Text),
    Column("lease_expires_at", UtcDateTime),
)
LANE_IS_LEASED: Final[ColumnElement[bool]] = webhook_lanes.c.lease_holder.is_not(None)
LANE_IS_FREE: Final[ColumnElement[bool]] = webhook_lanes.c.lease_holder.is_(None)
Index(
    "ix_webhook_lanes_due",
    webhook_lanes.c.webhook_id,
    webhook_lanes.c.due_at,
    sqlite_where=LANE_IS_FREE,
    postgresql_where=LANE_IS_FREE,
)
Index(
    "ix_webhook_lanes_lease",
    webhook_lanes.c.lease_expires_at,
    sqlite_where=LANE_IS_LEASED,
    postgresql_where=LANE_IS_LEASED,
)


def _free(process_id: str | None) -> Update:
    """End the leases."""
    held = is_held(webhook_lanes.c.lease_holder, process_id)
    return (
        update(webhook_lanes)
        .where(LANE_IS_LEASED, held)
        .values(lease_holder=None, lease_expires_at=None)
    )


WEBHOOKS: Final = Capability(table=webhooks)
WEBHOOK_CURSOR: Final = Capability(table=webhook_cursor)
WEBHOOK_DELIVERIES: Final = Capability(
    table=webhook_deliveries,
    statistics=[
        select(func.count())
        .select_from(webhook_deliveries)
        .where(DELIVERY_IS_PENDING)
        .scalar_subquery()
        .label("pending_deliveries"),
        select(func.min(webhook_deliveries.c.created_at))
        .where(DELIVERY_IS_PENDING)
        .scalar_subquery()
        .label("deliveries_since"),
        select(func.count())
        .select_from(webhook_deliveries)
        .where(DELIVERY_HAS_FAILED)
        .scalar_subquery()
        .label("failed_deliveries"),
    ],
)
WEBHOOK_LANES: Final = Capability(table=webhook_lanes, free=_free)
