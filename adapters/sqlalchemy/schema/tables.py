"""The ledger's tables. ``alembic/versions`` makes the same ones; a test compares the two."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    literal_column,
)

from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

sessions: Final = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("room_name", Text, nullable=False),
    Column("room_sid", Text),
    Column("identity", Text, nullable=False),
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
    # Whether it was concluded from an absence, which a presence corrects.
    Column("end_concluded", Boolean, nullable=False, server_default=false()),
    # The participant that serves it.
    Column("agent_identity", Text),
    Column("agent_joined_at", UtcDateTime),
    Column("agent_left_at", UtcDateTime),
    Column("agent_adopted", Boolean, nullable=False, server_default=false()),
    Column("dispatch_attempts", Integer, nullable=False, server_default="0"),
    Column("retry_at", UtcDateTime),
    Column("timeline", Text, nullable=False, server_default="[]"),
    # The call that it was started for.
    Column("call_id", String(36)),
    Column("direction", String(16)),
    Column("caller_number", Text),
    Column("called_number", Text),
    # Whose it is; null where nobody's key began it.
    Column("tenant", Text),
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
SESSION_IS_OWNED: Final[ColumnElement[bool]] = sessions.c.tenant.is_not(None)
Index(
    "ix_sessions_tenant_live",
    sessions.c.tenant,
    sqlite_where=SESSION_IS_OWNED & SESSION_IS_LIVE,
    postgresql_where=SESSION_IS_OWNED & SESSION_IS_LIVE,
)

calls: Final = Table(
    "calls",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("room_name", Text, nullable=False),
    # Null while the call is being dialled, as participant_sid.
    Column("room_sid", Text),
    Column("participant_sid", Text),
    Column("participant_identity", Text, nullable=False),
    Column("direction", String(16), nullable=False),
    Column("from_number", Text),
    Column("to_number", Text),
    Column("trunk_id", Text),
    Column("dispatch_rule_id", Text),
    Column("sip_call_id", Text),
    # Follows from the columns below it; stored to be searched for.
    Column("status", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ringing_at", UtcDateTime),
    Column("seen_active_at", UtcDateTime),
    Column("was_active_at_end", Boolean, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("end_concluded", Boolean, nullable=False, server_default=false()),
    Column("aborted", Boolean, nullable=False),
    Column("disconnect_reason", Text),
    Column("session_id", String(36)),
    Column("timeline", Text, nullable=False),
    Column("tenant", Text),
    Column("version", Integer, nullable=False),
    # Since 0005; empty in older rows.
    Column("direction_assumed", Boolean),
    Column("unanswered_at", UtcDateTime),
    Column("sip_call_id_full", Text),
    Column("sip_status_code", Integer),
    Column("carrier_call_id", Text),
    # Since 0011; null where it is created_at, which is when a placed call was placed.
    Column("joined_at", UtcDateTime),
)

CALL_IS_LIVE: Final[ColumnElement[bool]] = calls.c.ended_at.is_(None)

Index("uq_calls_stay", calls.c.room_sid, calls.c.participant_sid, unique=True)
Index(
    "ix_calls_live_room",
    calls.c.room_sid,
    sqlite_where=CALL_IS_LIVE,
    postgresql_where=CALL_IS_LIVE,
)
inbox: Final = Table(
    "inbox",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("room_name", Text, nullable=False),
    Column("room_sid", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("status", String(16), nullable=False),
    Column("failures", Integer, nullable=False),
    # Attempts that failed because LiveKit or the database was down.
    Column("outages", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("handled_at", UtcDateTime),
    Column("lease_holder", Text),
    Column("lease_expires_at", UtcDateTime),
    # The W3C traceparent of the request that brought it.
    Column("trace", Text),
    # The due time of a pending entry that is due later than it came in; null once that has come.
    Column("waits_until", UtcDateTime),
)

ENTRY_IS_PENDING: Final[ColumnElement[bool]] = inbox.c.status == literal_column("'pending'", String)
ENTRY_IS_LEASED: Final[ColumnElement[bool]] = inbox.c.lease_holder.is_not(None)
ENTRY_FINISHES_ROOM: Final[ColumnElement[bool]] = inbox.c.kind == literal_column(
    "'room_finished'", Text
)

Index("ix_inbox_status_received", inbox.c.status, inbox.c.received_at, inbox.c.event_id)


def entry_is_ready(entry: FromClause) -> ColumnElement[bool]:
    """Whether it may be claimed: pending, not waiting, not leased.

    Written with ``!=`` so that no planner takes the index of all statuses for it, which it would
    read from one end to the other.
    """
    return (
        (entry.c.status != literal_column("'handled'", String))
        & (entry.c.status != literal_column("'dead'", String))
        & entry.c.waits_until.is_(None)
        & entry.c.lease_holder.is_(None)
    )


Index(
    "ix_inbox_ready_room",
    inbox.c.room_name,
    inbox.c.received_at,
    inbox.c.event_id,
    sqlite_where=entry_is_ready(inbox),
    postgresql_where=entry_is_ready(inbox),
)
Index(
    "ix_inbox_waiting",
    inbox.c.waits_until,
    sqlite_where=inbox.c.waits_until.is_not(None),
    postgresql_where=inbox.c.waits_until.is_not(None),
)
# One event of a room at a time, whoever handles it.
Index(
    "uq_inbox_leased_room",
    inbox.c.room_name,
    unique=True,
    sqlite_where=ENTRY_IS_LEASED,
    postgresql_where=ENTRY_IS_LEASED,
)
Index(
    "ix_inbox_lease_expires",
    inbox.c.lease_expires_at,
    sqlite_where=ENTRY_IS_LEASED,
    postgresql_where=ENTRY_IS_LEASED,
)
Index(
    "ix_inbox_finished_room",
    inbox.c.room_sid,
    sqlite_where=ENTRY_FINISHES_ROOM,
    postgresql_where=ENTRY_FINISHES_ROOM,
)

leases: Final = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

# The processes that serve; what each holds is held under a name that begins with its id and a dot.
processes: Final = Table(
    "processes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", String(32), nullable=False),
    # SHA-256 of the whole key, hexadecimal.
    Column("digest", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)
Index("uq_api_keys_prefix", api_keys.c.prefix, unique=True)

idempotency: Final = Table(
    "idempotency",
    metadata,
    # Empty where there are no keys.
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    # SHA-256 of what was asked for, hexadecimal.
    Column("fingerprint", String(64), nullable=False),
    # Who works on it, until then; null once it is answered.
    Column("holder", Text),
    Column("lease_expires_at", UtcDateTime),
    Column("answer", Text),
    Column("created_at", UtcDateTime, nullable=False),
)
Index("ix_idempotency_created", idempotency.c.created_at)

rate_windows: Final = Table(
    "rate_windows",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("began_at", UtcDateTime, nullable=False),
    Column("used", Integer, nullable=False),
)
Index("ix_rate_windows_began", rate_windows.c.began_at)

# One row: the oldest SCHEMA_VERSION whose code works with this schema.
schema_floor: Final = Table(
    "schema_floor", metadata, Column("version", String(32), primary_key=True)
)
