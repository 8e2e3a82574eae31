"""The agents that served a session before its present one; beginnings of words in FTS5's index."""

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
    _index_words("prefix='3 4 5',\n    ")


def downgrade() -> None:
    _index_words("")
    op.drop_column("sessions", "earlier_agents")


def _index_words(option: str) -> None:
    """Make SQLite's index anew; the triggers that keep it are the items'."""
    if op.get_context().dialect.name != "sqlite":
        return
    op.execute("DROP TABLE transcript_search")
    op.execute(
        "CREATE VIRTUAL TABLE transcript_search USING fts5(\n"
        "    search, content='transcript_items', content_rowid='number', "
        f"""{option}tokenize="ascii tokenchars '='"\n)"""
    )
    op.execute(
        "INSERT INTO transcript_search(rowid, search)"
        " SELECT number, search FROM transcript_items WHERE session_id IS NOT NULL"
    )
