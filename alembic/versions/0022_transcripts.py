"""Transcripts, and the index of their words."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_SQLITE = (
    """
CREATE VIRTUAL TABLE transcript_search USING fts5(
    search, content='transcript_items', content_rowid='number', tokenize="ascii tokenchars '='"
)
""",
    """
CREATE TRIGGER transcript_search_added AFTER INSERT ON transcript_items
WHEN new.session_id IS NOT NULL BEGIN
    INSERT INTO transcript_search(rowid, search) VALUES (new.number, new.search);
END
""",
    """
CREATE TRIGGER transcript_search_changed AFTER UPDATE OF search ON transcript_items BEGIN
    INSERT INTO transcript_search(transcript_search, rowid, search)
    SELECT 'delete', old.number, old.search WHERE old.session_id IS NOT NULL;
    INSERT INTO transcript_search(rowid, search)
    SELECT new.number, new.search WHERE new.session_id IS NOT NULL;
END
""",
    """
CREATE TRIGGER transcript_search_deleted AFTER DELETE ON transcript_items
WHEN old.session_id IS NOT NULL BEGIN
    INSERT INTO transcript_search(transcript_search, rowid, search)
    VALUES ('delete', old.number, old.search);
END
""",
)


def upgrade() -> None:
    op.create_table(
        "transcript_items",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("owner", sa.String(36), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.String(36), nullable=False),
        sa.Column("session_id", sa.String(36), sa.ForeignKey("sessions.id", ondelete="CASCADE")),
        sa.Column("call_id", sa.String(36)),
        sa.Column("tenant", sa.Text()),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("is_timed", sa.Boolean(), nullable=False),
        sa.Column("kept_at", UtcDateTime(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("role", sa.Text()),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("details", sa.Text()),
        sa.Column("search", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_transcript_items"),
    )
    on = "transcript_items"
    op.create_index("uq_transcript_items", on, ["owner", "item_id"], unique=True)
    op.create_index("ix_transcript_items_created", on, ["created_at", "number"])
    op.create_index("ix_transcript_items_kept", on, ["kept_at"])
    op.create_index(
        "ix_transcript_items_session", on, ["session_id", "created_at", "position", "number"]
    )
    if op.get_context().dialect.name == "sqlite":
        for statement in _SQLITE:
            op.execute(statement.strip())
    else:
        op.create_index("ix_transcript_items_search", on, ["search"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_table("transcript_items")
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE transcript_search")
