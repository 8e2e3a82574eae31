"""The table of recordings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    Update,
    literal_column,
    null,
    or_,
    update,
)

from adapters.sqlalchemy.capability import Capability, personal
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata
from domain.privacy.data_subject import DataSubject


def _names_nobody(_person: DataSubject, _value: Any) -> bool:
    return False


_OWNER: Final = personal(_names_nobody, quotes_ids=True)
"""An id of a report, session or call: the recording concerns whom that record mentions."""

recordings: Final = Table(
    "recordings",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("report_id", String(36), nullable=False, info=_OWNER),
    # Null until the report's session is known.
    Column("session_id", String(36), info=_OWNER),
    Column("call_id", String(36), info=_OWNER),
    Column("tenant", Text),
    Column("source", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("object_key", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger),
    Column("started_at", UtcDateTime),
    Column("duration_ms", BigInteger),
    Column("created_at", UtcDateTime, nullable=False),
    Column("missing_at", UtcDateTime),
    Column("erased_at", UtcDateTime),
    Column("egress_id", Text),
    Column("error", Text, info=personal(DataSubject.is_in)),
    Column("claim_until", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("absent_since", UtcDateTime),
    Column("version", Integer, nullable=False),
)

# Literals rather than parameters, which would keep the planners from using the partial indexes.
IS_RUNNING: Final[ColumnElement[bool]] = or_(
    *(
        recordings.c.status == literal_column(f"'{status}'", String)
        for status in ("starting", "active", "ending")
    )
)
IS_ERASED: Final[ColumnElement[bool]] = recordings.c.erased_at.is_not(None)

Index("uq_recordings_object", recordings.c.object_key, unique=True)
Index("ix_recordings_session", recordings.c.session_id, recordings.c.created_at)
Index("ix_recordings_call", recordings.c.call_id, recordings.c.created_at)
Index("ix_recordings_report", recordings.c.report_id)
Index("ix_recordings_created", recordings.c.created_at, recordings.c.id)
Index(
    "uq_recordings_running",
    recordings.c.session_id,
    unique=True,
    sqlite_where=IS_RUNNING,
    postgresql_where=IS_RUNNING,
)
Index(
    "ix_recordings_erased",
    recordings.c.erased_at,
    sqlite_where=IS_ERASED,
    postgresql_where=IS_ERASED,
)


def mark_erased(which: ColumnElement[bool], at: Any = None) -> Update:
    """Mark rows, whose objects are deleted before the rows are.

    ``at`` is the time, or the parameter that has it; now if not given.
    """
    return (
        update(recordings)
        .where(which, recordings.c.erased_at.is_(None))
        .values(
            erased_at=datetime.now(UTC) if at is None else at,
            error=null(),
            version=recordings.c.version + 1,
        )
    )


RECORDINGS: Final = Capability(table=recordings, counted_as="recordings", mark=mark_erased)
