"""The table of what was said, and its index of words.

``search`` has an item's words. On PostgreSQL it is a ``tsvector`` with a GIN index. On SQLite it is
text, which the FTS5 table ``transcript_search`` has an index of; triggers keep that index, so that
it changes with the rows, however they are deleted. Both hold the words as
:mod:`domain.transcripts.words` makes them, and beside them the tenant, the session and the call as
words of their own, so that a search reads nothing of others.

FTS5 also has an index of the words' first three, four and five characters: without it, a search for
a beginning collects all places of all words that begin so before it returns the newest.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    event,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from adapters.sqlalchemy.capability import Capability, personal
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata
from domain.privacy.data_subject import DataSubject


def _is_never_in(_person: DataSubject, _record_id: str) -> bool:
    """Return False: an id mentions no person by itself."""
    return False


transcript_items: Final = Table(
    "transcript_items",
    metadata,
    # On SQLite made of the time (see ``numbers``), so that the index of words is in its order.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # The session that it belongs to or, until that is known, the report.
    Column("owner", String(36), nullable=False, info=personal(_is_never_in, quotes_ids=True)),
    Column("item_id", Text, nullable=False),
    Column("report_id", String(36), nullable=False, info=personal(_is_never_in, quotes_ids=True)),
    Column("session_id", String(36), ForeignKey("sessions.id", ondelete="CASCADE")),
    Column("call_id", String(36), info=personal(_is_never_in, quotes_ids=True)),
    Column("tenant", Text),
    Column("position", Integer, nullable=False),
    # When it was stored where the report has no time.
    Column("created_at", UtcDateTime, nullable=False),
    Column("is_timed", Boolean, nullable=False),
    Column("kept_at", UtcDateTime, nullable=False),
    Column("type", Text, nullable=False),
    Column("role", Text),
    Column("interrupted", Boolean, nullable=False),
    Column("text", Text, info=personal(DataSubject.is_in)),
    # The other fields, as JSON.
    Column("details", Text, info=personal(DataSubject.is_in_answer)),
    Column("search", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
)

# The order of a transcript, too.
Index("uq_transcript_items", transcript_items.c.owner, transcript_items.c.item_id, unique=True)
Index("ix_transcript_items_created", transcript_items.c.created_at, transcript_items.c.number)
# For a search in a tenant's newest; SQLite's index of words has all in their order.
Index(
    "ix_transcript_items_tenant",
    transcript_items.c.tenant,
    transcript_items.c.created_at,
    transcript_items.c.number,
).ddl_if(dialect="postgresql")
Index("ix_transcript_items_kept", transcript_items.c.kept_at)
# The foreign key's, for the deletion of sessions.
Index(
    "ix_transcript_items_session",
    transcript_items.c.session_id,
    transcript_items.c.created_at,
    transcript_items.c.position,
    transcript_items.c.number,
)
Index(
    "ix_transcript_items_search",
    transcript_items.c.search,
    postgresql_using="gin",
).ddl_if(dialect="postgresql")

_FTS: Final = """
CREATE VIRTUAL TABLE transcript_search USING fts5(
    search, content='transcript_items', content_rowid='number', prefix='3 4 5',
    tokenize="ascii tokenchars '='"
)
"""
_ADDED: Final = """
CREATE TRIGGER transcript_search_added AFTER INSERT ON transcript_items
WHEN new.session_id IS NOT NULL BEGIN
    INSERT INTO transcript_search(rowid, search) VALUES (new.number, new.search);
END
"""
_CHANGED: Final = """
CREATE TRIGGER transcript_search_changed AFTER UPDATE OF search ON transcript_items BEGIN
    INSERT INTO transcript_search(transcript_search, rowid, search)
    SELECT 'delete', old.number, old.search WHERE old.session_id IS NOT NULL;
    INSERT INTO transcript_search(rowid, search)
    SELECT new.number, new.search WHERE new.session_id IS NOT NULL;
END
"""
_DELETED: Final = """
CREATE TRIGGER transcript_search_deleted AFTER DELETE ON transcript_items
WHEN old.session_id IS NOT NULL BEGIN
    INSERT INTO transcript_search(transcript_search, rowid, search)
    VALUES ('delete', old.number, old.search);
END
"""
for _statement in (_FTS, _ADDED, _CHANGED, _DELETED):
    _ddl: Any = DDL
    event.listen(
        transcript_items, "after_create", _ddl(_statement.strip()).execute_if(dialect="sqlite")
    )

TRANSCRIPT_ITEMS: Final = Capability(table=transcript_items, counted_as="transcript_items")
