"""Saved agents and their versions; which of them a session began with."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UNOWNED, OWNED = "tenant IS NULL", "tenant IS NOT NULL"


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
    )
    _index("uq_agents_owned_name", ["tenant", "name"], OWNED, unique=True)
    _index("uq_agents_unowned_name", ["name"], UNOWNED, unique=True)
    op.create_index("ix_agents_created", "agents", ["created_at", "id"])
    place = ["created_at", "id"]
    _index("ix_agents_unowned", place, f"{UNOWNED} AND id != 'ix_agents_unowned'")
    _index("ix_agents_tenant", ["tenant", *place], f"{OWNED} AND id != 'ix_agents_tenant'")

    op.create_table(
        "agent_versions",
        sa.Column("agent_id", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text()),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "number", name="pk_agent_versions"),
    )
    # Columns that may be null rewrite no row.
    op.add_column("sessions", sa.Column("agent_id", sa.String(36)))
    op.add_column("sessions", sa.Column("agent_version", sa.Integer()))


def downgrade() -> None:
    op.drop_column("sessions", "agent_version")
    op.drop_column("sessions", "agent_id")
    op.drop_table("agent_versions")
    op.drop_table("agents")


def _index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    # Not by build_index(): the table is new, so that it is empty and no other program writes to it.
    condition = sa.text(where)
    op.create_index(
        name,
        "agents",
        columns,
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )
