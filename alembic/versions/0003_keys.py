"""API keys and whose sessions and calls are; idempotent answers, rate limits, traces."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not by build_index(): no version was released before this one, so no table is large by now.
    for table in ("sessions", "calls"):
        op.add_column(table, sa.Column("tenant", sa.Text()))
        _partial_index(
            f"ix_{table}_tenant_created",
            table,
            ["tenant", "created_at", "id"],
            "tenant IS NOT NULL",
        )
    _partial_index(
        "ix_sessions_tenant_live",
        "sessions",
        ["tenant"],
        "tenant IS NOT NULL AND status != 'ended'",
    )
    op.add_column("inbox", sa.Column("trace", sa.Text()))

    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("revoked_at", UtcDateTime()),
        sa.Column("last_used_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_index("uq_api_keys_prefix", "api_keys", ["prefix"], unique=True)

    op.create_table(
        "idempotency",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("holder", sa.Text()),
        sa.Column("lease_expires_at", UtcDateTime()),
        sa.Column("answer", sa.Text()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created", "idempotency", ["created_at"])

    op.create_table(
        "rate_windows",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_rate_windows"),
    )
    op.create_index("ix_rate_windows_began", "rate_windows", ["began_at"])


def downgrade() -> None:
    op.drop_table("rate_windows")
    op.drop_table("idempotency")
    op.drop_table("api_keys")
    op.drop_column("inbox", "trace")
    op.drop_index("ix_sessions_tenant_live", "sessions")
    for table in ("calls", "sessions"):
        op.drop_index(f"ix_{table}_tenant_created", table)
        op.drop_column(table, "tenant")


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
