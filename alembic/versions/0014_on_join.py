"""Sessions whose agent is dispatched once a user has joined."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No default: neither database writes the table anew. Older code leaves it out.
    op.add_column("sessions", sa.Column("join_until", UtcDateTime()))


def downgrade() -> None:
    op.drop_column("sessions", "join_until")
