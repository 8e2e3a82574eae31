"""Find what changed lately."""

from __future__ import annotations

from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_WHERE = "changed_at IS NOT NULL"


def upgrade() -> None:
    build_index("ix_webhook_deliveries_changed", "webhook_deliveries", ["changed_at"], where=_WHERE)
    build_index("ix_inbox_changed", "inbox", ["changed_at"], where=_WHERE)


def downgrade() -> None:
    drop_index("ix_inbox_changed", "inbox")
    drop_index("ix_webhook_deliveries_changed", "webhook_deliveries")
