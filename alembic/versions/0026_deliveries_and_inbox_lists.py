"""Deliveries of an event, failed ones in their order, and the inbox of a room."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_FAILED = sa.text("status = 'failed'")
_NAMED = sa.text("event_id != 'ix_inbox_room'")


def upgrade() -> None:
    op.drop_index("uq_webhook_deliveries_event", "webhook_deliveries")
    op.create_index(
        "uq_webhook_deliveries_event", "webhook_deliveries", ["event_id", "webhook_id"], unique=True
    )
    op.create_index(
        "ix_webhook_deliveries_failed",
        "webhook_deliveries",
        ["webhook_id", "position"],
        sqlite_where=_FAILED,
        postgresql_where=_FAILED,
    )
    op.create_index(
        "ix_inbox_room",
        "inbox",
        ["room_name", "received_at", "event_id"],
        sqlite_where=_NAMED,
        postgresql_where=_NAMED,
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_room", "inbox")
    op.drop_index("ix_webhook_deliveries_failed", "webhook_deliveries")
    op.drop_index("uq_webhook_deliveries_event", "webhook_deliveries")
    op.create_index(
        "uq_webhook_deliveries_event", "webhook_deliveries", ["webhook_id", "event_id"], unique=True
    )
