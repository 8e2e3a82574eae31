"""The tables of what sessions have used.

A report's owner is stored once, so that matching it with a session later changes one row.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata
from domain.usage.model_usage import COUNTERS

usage_reports: Final = Table(
    "usage_reports",
    metadata,
    Column("report_id", String(36), primary_key=True),
    # Null until the report is matched with a session, as the two below may be.
    Column("session_id", String(36)),
    Column("call_id", String(36)),
    Column("tenant", Text),
    Column("kept_at", UtcDateTime, nullable=False),
)
Index("ix_usage_reports_session", usage_reports.c.session_id)
Index("ix_usage_reports_kept", usage_reports.c.kept_at)

usage: Final = Table(
    "usage",
    metadata,
    Column("report_id", String(36), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in COUNTERS),
    # Counters by name, as JSON.
    Column("others", Text, nullable=False),
    # A report's rows side by side, where their key finds them.
    sqlite_with_rowid=False,
)

turn_latencies: Final = Table(
    "turn_latencies",
    metadata,
    Column("report_id", String(36), primary_key=True),
    Column("item_id", Text, primary_key=True),
    Column("transcription_ms", Integer),
    Column("end_of_turn_ms", Integer),
    Column("first_token_ms", Integer),
    Column("first_byte_ms", Integer),
    Column("end_to_end_ms", Integer),
    sqlite_with_rowid=False,
)

USAGE_REPORTS: Final = Capability(table=usage_reports)
USAGE: Final = Capability(table=usage)
TURN_LATENCIES: Final = Capability(table=turn_latencies)
