"""Recordings."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_RUNNING = sa.text("status = 'starting' OR status = 'active' OR status = 'ending'")
_ERASED = sa.text("erased_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("report_id", sa.String(36), nullable=False),
        sa.Column("session_id", sa.String(36)),
        sa.Column("call_id", sa.String(36)),
        sa.Column("tenant", sa.Text()),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger()),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("duration_ms", sa.BigInteger()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("missing_at", UtcDateTime()),
        sa.Column("erased_at", UtcDateTime()),
        sa.Column("egress_id", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("claim_until", UtcDateTime()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("absent_since", UtcDateTime()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
    )
    op.create_index("uq_recordings_object", "recordings", ["object_key"], unique=True)
    op.create_index("ix_recordings_session", "recordings", ["session_id", "created_at"])
    op.create_index("ix_recordings_call", "recordings", ["call_id", "created_at"])
    op.create_index("ix_recordings_report", "recordings", ["report_id"])
    op.create_index("ix_recordings_created", "recordings", ["created_at", "id"])
    op.create_index(
        "uq_recordings_running",
        "recordings",
        ["session_id"],
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    op.create_index(
        "ix_recordings_erased",
        "recordings",
        ["erased_at"],
        sqlite_where=_ERASED,
        postgresql_where=_ERASED,
    )
    op.create_table(
        "recording_sweeps",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("ledger", sa.String(36), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_recording_sweeps"),
    )
    op.create_table(
        "recording_orphans",
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("first_sweep", sa.BigInteger(), nullable=False),
        sa.Column("last_sweep", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("object_key", name="pk_recording_orphans"),
    )


def downgrade() -> None:
    op.drop_table("recording_orphans")
    op.drop_table("recording_sweeps")
    op.drop_table("recordings")
