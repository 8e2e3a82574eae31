"""Mark the events that wait for a later time."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # May be null, so that no row is rewritten, and older versions of the service leave it out.
    op.add_column("inbox", sa.Column("waits_until", UtcDateTime()))
    op.execute(
        "UPDATE inbox SET waits_until = due_at WHERE status = 'pending' AND due_at > received_at"
    )


def downgrade() -> None:
    op.drop_column("inbox", "waits_until")
