"""The table of domain events."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from adapters.sqlalchemy.capability import Capability, personal
from adapters.sqlalchemy.engine.errors import SEQUENCE_KEY
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata
from domain.privacy.data_subject import DataSubject

events: Final = Table(
    "events",
    metadata,
    # On SQLite in the order of commits; on PostgreSQL numbers are given out before the commit.
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("id", String(36), nullable=False),
    Column("kind", String(32), nullable=False),
    # The id of the call, or of the session without one, that its sequence counts in.
    Column("lane", String(36), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("tenant", Text),
    Column("session_id", String(36)),
    Column("call_id", String(36)),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("known_at", UtcDateTime, nullable=False),
    Column("source", String(16), nullable=False),
    # The resource as JSON: it quotes the ids of its session and its call.
    Column(
        "data", Text, nullable=False, info=personal(DataSubject.is_in_resource, quotes_ids=True)
    ),
    UniqueConstraint("lane", "sequence", name=SEQUENCE_KEY),
    sqlite_autoincrement=True,
    # Writes know their rows by this column: the primary key is the database's to give.
    info={"key": "id"},
)
Index("uq_events_id", events.c.id, unique=True)
Index("ix_events_known", events.c.known_at)

EVENTS: Final = Capability(table=events, counted_as="domain_events")
