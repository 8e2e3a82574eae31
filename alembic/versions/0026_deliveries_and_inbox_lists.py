"""Deliveries of an event, failed ones in their order, and the inbox of a room."""

from __future__ import annotations

from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    build_index("ix_webhook_deliveries_of_event", "webhook_deliveries", ["event_id"])
    build_index(
        "ix_webhook_deliveries_failed",
        "webhook_deliveries",
        ["webhook_id", "position"],
        where="status = 'failed'",
    )
    build_index(
        "ix_inbox_room",
        "inbox",
        ["room_name", "received_at", "event_id"],
        where="event_id != 'ix_inbox_room'",
    )


def downgrade() -> None:
    drop_index("ix_inbox_room", "inbox")
    drop_index("ix_webhook_deliveries_failed", "webhook_deliveries")
    drop_index("ix_webhook_deliveries_of_event", "webhook_deliveries")
