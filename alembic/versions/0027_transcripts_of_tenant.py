"""The newest transcript items of a tenant, for searches on PostgreSQL."""

from __future__ import annotations

from adapters.sqlalchemy.schema.migration_ops import build_index, drop_index
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_NAME = "ix_transcript_items_tenant"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        build_index(_NAME, "transcript_items", ["tenant", "created_at", "number"])


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        drop_index(_NAME, "transcript_items")
