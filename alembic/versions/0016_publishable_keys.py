"""Keys that web pages show to everyone, and that open nothing but tokens."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publishable_keys",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("tenant", sa.Text()),
        sa.Column("agent_name", sa.Text(), nullable=False),
        sa.Column("allowed_origins", sa.Text(), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=False),
        sa.Column("prefix", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("uq_publishable_keys_prefix", "publishable_keys", ["prefix"], unique=True)


def downgrade() -> None:
    op.drop_table("publishable_keys")
