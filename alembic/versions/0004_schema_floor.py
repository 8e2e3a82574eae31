"""The oldest version whose code works with this schema."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    floor = op.create_table(
        "schema_floor",
        sa.Column("version", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_schema_floor"),
    )
    op.bulk_insert(floor, [{"version": "0004"}])  # older code takes no schema but its own


def downgrade() -> None:
    op.drop_table("schema_floor")
