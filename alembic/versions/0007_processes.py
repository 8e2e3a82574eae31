"""The processes that serve; how often an event could not be processed because of an outage."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "processes",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_processes"),
    )
    # With a default, which earlier versions of the service rely on when they add an event.
    op.add_column("inbox", sa.Column("outages", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("inbox", "outages")
    op.drop_table("processes")
