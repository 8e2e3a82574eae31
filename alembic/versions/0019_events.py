"""Domain events, and the ends of sessions and calls that are announced later."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ENDING = ("sessions", "calls")


def upgrade() -> None:
    inspector = sa.inspect(op.get_bind())
    # What is there was made by an upgrade that was cut short while it made an index.
    if not inspector.has_table("events"):
        _create_events()
    for table in _ENDING:
        # No default: neither database writes the table anew. Older code leaves it out.
        if "announce_at" not in {column["name"] for column in inspector.get_columns(table)}:
            op.add_column(table, sa.Column("announce_at", UtcDateTime()))
    for table in _ENDING:
        build_index(f"ix_{table}_announce", table, ["announce_at"], where="announce_at IS NOT NULL")


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column(
            "position",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            autoincrement=True,
        ),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("lane", sa.String(36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("session_id", sa.String(36)),
        sa.Column("call_id", sa.String(36)),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("known_at", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
        sa.UniqueConstraint("lane", "sequence", name="uq_events_lane_sequence"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_events_id", "events", ["id"], unique=True)
    op.create_index("ix_events_known", "events", ["known_at"])


def downgrade() -> None:
    for table in _ENDING:
        drop_index(f"ix_{table}_announce", table)
        op.drop_column(table, "announce_at")
    op.drop_table("events")
