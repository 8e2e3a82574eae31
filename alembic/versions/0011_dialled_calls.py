"""Calls that are being dialled: LiveKit reports their leg later."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_LEG = ("room_sid", "participant_sid")


def upgrade() -> None:
    # SQLite can drop NOT NULL by copying the table only; PostgreSQL rewrites no row.
    with op.batch_alter_table("calls") as calls:
        for name in _LEG:
            calls.alter_column(name, existing_type=sa.Text(), nullable=True)
        calls.add_column(sa.Column("joined_at", UtcDateTime()))


def downgrade() -> None:
    op.execute("DELETE FROM calls WHERE room_sid IS NULL")  # older code has no place for them
    with op.batch_alter_table("calls") as calls:
        calls.drop_column("joined_at")
        for name in _LEG:
            calls.alter_column(name, existing_type=sa.Text(), nullable=False)
