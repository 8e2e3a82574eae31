"""When a pending delivery, and one of LiveKit's webhooks, changed last."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_TABLES = ("webhook_deliveries", "inbox")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("changed_at", UtcDateTime()))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "changed_at")
