"""Phone numbers; how a call was routed."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UNOWNED, OWNED = "tenant IS NULL", "tenant IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "phone_numbers",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("trunk_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.String(36), nullable=False),
        sa.Column("webhook_url", sa.Text()),
        sa.Column("webhook_secret", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_phone_numbers"),
    )
    op.create_index("uq_phone_numbers_trunk", "phone_numbers", ["number", "trunk_id"], unique=True)
    place = ["created_at", "id"]
    op.create_index("ix_phone_numbers_created", "phone_numbers", place)
    _index("ix_phone_numbers_unowned", place, UNOWNED)
    _index("ix_phone_numbers_tenant", ["tenant", *place], OWNED)
    # A column that may be null rewrites no row.
    op.add_column("calls", sa.Column("route", sa.Text()))


def downgrade() -> None:
    op.drop_column("calls", "route")
    op.drop_table("phone_numbers")


def _index(name: str, columns: list[str], owner: str) -> None:
    # Not by build_index(): the table is new, so that it is empty and no other program writes to it.
    condition = sa.text(f"{owner} AND id != '{name}'")
    op.create_index(
        name, "phone_numbers", columns, sqlite_where=condition, postgresql_where=condition
    )
