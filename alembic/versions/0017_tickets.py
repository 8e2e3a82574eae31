"""Tickets; publishable keys for saved agents."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("max_sessions", sa.Integer(), nullable=False),
        sa.Column("sessions_begun", sa.Integer(), nullable=False),
        sa.Column("begun_at", UtcDateTime()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
    )
    op.create_index("ix_tickets_expires", "tickets", ["expires_at"])
    op.create_index("ix_tickets_tenant", "tickets", ["tenant", "expires_at"])
    # A column that may be null rewrites no row. agent_name stays as it is, so that the version
    # before runs beside this one; it is empty where there is an agent_id.
    op.add_column("publishable_keys", sa.Column("agent_id", sa.Text()))


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM publishable_keys WHERE agent_id IS NOT NULL"))
    op.drop_column("publishable_keys", "agent_id")
    op.drop_table("tickets")
