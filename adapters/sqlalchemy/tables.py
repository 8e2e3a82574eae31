"""The ledger's tables. ``alembic/versions`` makes the same ones; a test compares the two."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
)

from adapters.sqlalchemy.utc_datetime import UtcDateTime
from domain.identifiers import MAX_LENGTH

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

sessions: Final = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("room_name", String(MAX_LENGTH), nullable=False),
    Column("room_sid", Text),
    Column("identity", String(MAX_LENGTH), nullable=False),
    Column("agent_name", Text, nullable=False),
    # JSON as text: PostgreSQL's jsonb cannot hold "\u0000", which a caller's value may.
    Column("agent_config", Text, nullable=False),
    Column("status", String(32), nullable=False),
    Column("dispatch_id", Text),
    Column("claim_holder", Text),
    Column("claim_expires_at", UtcDateTime),
    Column("claim_uncertain", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("dispatched_at", UtcDateTime),
    Column("active_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("end_reason", String(32)),
    Column("version", Integer, nullable=False),
)

# A literal rather than a parameter, which would keep the planners from using the partial index.
SESSION_IS_LIVE: Final[ColumnElement[bool]] = sessions.c.status != literal_column("'ended'", String)

Index(
    "uq_sessions_live_room",
    sessions.c.room_name,
    unique=True,
    sqlite_where=SESSION_IS_LIVE,
    postgresql_where=SESSION_IS_LIVE,
)
Index("ix_sessions_room_created", sessions.c.room_name, sessions.c.created_at, sessions.c.id)
