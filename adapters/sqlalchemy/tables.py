"""The tables. ``alembic/versions`` makes the same ones; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION: Final = "0001"
"""The newest revision in ``alembic/versions``, known without importing Alembic."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite, which has no time zones, keeps it as sortable text in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware UTC → what the driver takes."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What the driver gives → aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()

_LIVE = text("status <> 'ended'")

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("room_name", String(128), nullable=False),
    Column("room_sid", String(64)),
    Column("identity", String(128), nullable=False),
    Column("agent_name", String(128), nullable=False),
    # JSON as text: PostgreSQL's jsonb refuses "\u0000", which a caller's value may hold.
    Column("agent_config", Text, nullable=False),
    Column("status", String(32), nullable=False),
    Column("dispatch_id", String(64)),
    Column("claim_holder", String(64)),
    Column("claim_expires_at", UtcDateTime),
    Column("claim_uncertain", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("dispatched_at", UtcDateTime),
    Column("active_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("end_reason", String(32)),
    Column("version", Integer, nullable=False),
    Index(
        "uq_sessions_live_room_name",
        "room_name",
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    ),
    Index("ix_sessions_room_name_created_at", "room_name", "created_at", "id"),
)
