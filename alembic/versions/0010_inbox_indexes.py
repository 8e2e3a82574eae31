"""Finding the events that may be handled, those that wait and the leases that are over."""

from __future__ import annotations

from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BY_AGE = ["room_name", "received_at", "event_id"]


def upgrade() -> None:
    build_index(
        "ix_inbox_ready_room",
        "inbox",
        _BY_AGE,
        where="status != 'handled' AND status != 'dead'"
        " AND waits_until IS NULL AND lease_holder IS NULL",
    )
    build_index("ix_inbox_waiting", "inbox", ["waits_until"], where="waits_until IS NOT NULL")
    build_index(
        "ix_inbox_lease_expires", "inbox", ["lease_expires_at"], where="lease_holder IS NOT NULL"
    )
    drop_index("ix_inbox_pending_room", "inbox")


def downgrade() -> None:
    build_index("ix_inbox_pending_room", "inbox", _BY_AGE, where="status = 'pending'")
    drop_index("ix_inbox_lease_expires", "inbox")
    drop_index("ix_inbox_waiting", "inbox")
    drop_index("ix_inbox_ready_room", "inbox")
