"""The agents that served a session before its present one, whose reports may come later."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No default: neither database writes the table anew. Older code leaves it out.
    op.add_column("sessions", sa.Column("earlier_agents", sa.Text()))


def downgrade() -> None:
    op.drop_column("sessions", "earlier_agents")
