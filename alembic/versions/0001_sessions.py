"""The sessions table."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_LIVE = sa.text("status <> 'ended'")


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("room_name", sa.String(128), nullable=False),
        sa.Column("room_sid", sa.String(64)),
        sa.Column("identity", sa.String(128), nullable=False),
        sa.Column("agent_name", sa.String(128), nullable=False),
        sa.Column("agent_config", sa.Text, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("dispatch_id", sa.String(64)),
        sa.Column("claim_holder", sa.String(64)),
        sa.Column("claim_expires_at", sa.DateTime(timezone=True)),
        sa.Column("claim_uncertain", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True)),
        sa.Column("active_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("end_reason", sa.String(32)),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index(
        "uq_sessions_live_room_name",
        "sessions",
        ["room_name"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index(
        "ix_sessions_room_name_created_at", "sessions", ["room_name", "created_at", "id"]
    )


def downgrade() -> None:
    op.drop_table("sessions")
