"""Outgoing webhooks, their deliveries, and the lanes in which those wait."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

PENDING = "status = 'pending'"
FREE, LEASED = "lease_holder IS NULL", "lease_holder IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("sees_unowned", sa.Boolean(), nullable=False),
        sa.Column("sees_all", sa.Boolean(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text()),
        sa.Column("previous_until", UtcDateTime()),
        sa.Column("after_position", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("disabled_at", UtcDateTime()),
        sa.Column("disabled_reason", sa.String(16)),
        sa.Column("failing_since", UtcDateTime()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_tenant", "webhooks", ["tenant", "created_at", "id"])
    op.create_index("ix_webhooks_created", "webhooks", ["created_at", "id"])
    op.create_table(
        "webhook_cursor",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_webhook_cursor"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("webhook_id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("sees_unowned", sa.Boolean(), nullable=False),
        sa.Column("sees_all", sa.Boolean(), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Text(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    deliveries = "webhook_deliveries"
    op.create_index(
        "uq_webhook_deliveries_event", deliveries, ["webhook_id", "event_id"], unique=True
    )
    _index("ix_webhook_deliveries_waiting", deliveries, ["webhook_id", "lane", "position"], PENDING)
    _index("ix_webhook_deliveries_pending", deliveries, ["created_at"], PENDING)
    place = ["created_at", "id"]
    op.create_index("ix_webhook_deliveries_created", deliveries, ["webhook_id", *place])
    op.create_index("ix_webhook_deliveries_status", deliveries, ["webhook_id", "status", *place])
    op.create_index("ix_webhook_deliveries_settled", deliveries, ["settled_at"])
    op.create_table(
        "webhook_lanes",
        sa.Column("webhook_id", sa.String(36), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("lease_holder", sa.Text()),
        sa.Column("lease_expires_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("webhook_id", "lane", name="pk_webhook_lanes"),
    )
    _index("ix_webhook_lanes_due", "webhook_lanes", ["webhook_id", "due_at"], FREE)
    _index("ix_webhook_lanes_lease", "webhook_lanes", ["lease_expires_at"], LEASED)


def downgrade() -> None:
    op.drop_table("webhook_lanes")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_cursor")
    op.drop_table("webhooks")


def _index(name: str, table: str, columns: list[str], condition: str) -> None:
    # Not by build_index(): the table is new, so that it is empty and no other program writes to it.
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
