"""Workers' reports, and finding sessions by the room instance that a report names."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_HAS_INSTANCE = "room_sid IS NOT NULL"
_UNMATCHED = "session_id IS NULL"


def upgrade() -> None:
    # The index comes first: cut short, it is begun anew, and nothing is there yet.
    build_index("ix_sessions_room_sid", "sessions", ["room_sid"], where=_HAS_INSTANCE)
    op.create_table(
        "reports",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("room_sid", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("room_name", sa.Text(), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("completed_at", UtcDateTime),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("transcript", sa.String(16), nullable=False),
        sa.Column("audio", sa.String(16), nullable=False),
        sa.Column("session_id", sa.String(36)),
        sa.Column("call_id", sa.String(36)),
        sa.Column("tenant", sa.Text()),
        sa.Column("retry_at", UtcDateTime),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_index("uq_reports_job", "reports", ["room_sid", "job_id"], unique=True)
    op.create_index("ix_reports_session", "reports", ["session_id"])
    op.create_index("ix_reports_received", "reports", ["received_at"])
    op.create_index(
        "ix_reports_unmatched",
        "reports",
        ["retry_at"],
        sqlite_where=sa.text(_UNMATCHED),
        postgresql_where=sa.text(_UNMATCHED),
    )


def downgrade() -> None:
    op.drop_table("reports")
    drop_index("ix_sessions_room_sid", "sessions")
