"""Sessions, at most one of them live in a room."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("room_name", sa.String(128), nullable=False),
        sa.Column("room_sid", sa.Text()),
        sa.Column("identity", sa.String(128), nullable=False),
        sa.Column("agent_name", sa.Text(), nullable=False),
        sa.Column("agent_config", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("dispatch_id", sa.Text()),
        sa.Column("claim_holder", sa.Text()),
        sa.Column("claim_expires_at", UtcDateTime()),
        sa.Column("claim_uncertain", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("dispatched_at", UtcDateTime()),
        sa.Column("active_at", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("end_reason", sa.String(32)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    live = sa.text("status != 'ended'")
    op.create_index(
        "uq_sessions_live_room",
        "sessions",
        ["room_name"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("ix_sessions_room_created", "sessions", ["room_name", "created_at", "id"])


def downgrade() -> None:
    op.drop_table("sessions")
