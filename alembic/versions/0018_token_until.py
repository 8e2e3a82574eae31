"""Until when the tokens of sessions are valid, and finding sessions that no user has joined."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No default: neither database writes the table anew. Older code leaves it out.
    op.add_column("sessions", sa.Column("token_until", UtcDateTime()))
    build_index(
        "ix_sessions_unused",
        "sessions",
        ["join_until"],
        where="status = 'ended' AND end_reason = 'abandoned'"
        " AND dispatch_id IS NULL AND room_sid IS NULL",
    )


def downgrade() -> None:
    drop_index("ix_sessions_unused", "sessions")
    op.drop_column("sessions", "token_until")
