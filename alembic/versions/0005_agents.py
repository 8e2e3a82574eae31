"""What became of a session's agent: who serves it, since when, and the session's timeline."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("agent_identity", sa.Text()),
        sa.Column("agent_joined_at", UtcDateTime()),
        sa.Column("agent_left_at", UtcDateTime()),
        sa.Column("agent_adopted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("dispatch_attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("retry_at", UtcDateTime()),
        sa.Column("end_concluded", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("timeline", sa.Text(), nullable=False, server_default="[]"),
    ]


def upgrade() -> None:
    # Constant defaults: neither database writes the table anew. Older code leaves them out.
    for column in _columns():
        op.add_column("sessions", column)


def downgrade() -> None:
    for column in reversed(_columns()):
        op.drop_column("sessions", column.name)
