"""The table of the inbox."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Update,
    func,
    literal_column,
    select,
    update,
)

from adapters.sqlalchemy.capability import Capability, is_held, personal
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata
from domain.privacy.data_subject import DataSubject

inbox: Final = Table(
    "inbox",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("room_name", Text, nullable=False, info=personal(DataSubject.is_in)),
    Column("room_sid", Text, nullable=False),
    Column("body", LargeBinary, nullable=False, info=personal(DataSubject.is_in_event)),
    Column("received_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("status", String(16), nullable=False),
    Column("failures", Integer, nullable=False),
    # Attempts that failed because LiveKit or the database was down.
    Column("outages", Integer, nullable=False, server_default="0"),
    Column("last_error", Text, info=personal(DataSubject.is_in)),
    Column("handled_at", UtcDateTime),
    Column("lease_holder", Text),
    Column("lease_expires_at", UtcDateTime),
    # The W3C traceparent of the request that brought it.
    Column("trace", Text),
    # The due time of a pending entry that is due later than it came in; null once that has come.
    Column("waits_until", UtcDateTime),
    # Since 0028; null unless the first attempt did not succeed, or the entry was replayed.
    Column("changed_at", UtcDateTime),
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
# Always true, and named after the index, so that no other query takes it.
IN_LIST_OF_ROOM: Final[ColumnElement[bool]] = inbox.c.event_id != literal_column(
    "'ix_inbox_room'", Text
)
Index(
    "ix_inbox_room",
    inbox.c.room_name,
    inbox.c.received_at,
    inbox.c.event_id,
    sqlite_where=IN_LIST_OF_ROOM,
    postgresql_where=IN_LIST_OF_ROOM,
)
Index(
    "ix_inbox_waiting",
    inbox.c.waits_until,
    sqlite_where=inbox.c.waits_until.is_not(None),
    postgresql_where=inbox.c.waits_until.is_not(None),
)
ENTRY_HAS_CHANGED: Final[ColumnElement[bool]] = inbox.c.changed_at.is_not(None)
Index(
    "ix_inbox_changed",
    inbox.c.changed_at,
    sqlite_where=ENTRY_HAS_CHANGED,
    postgresql_where=ENTRY_HAS_CHANGED,
)
# One event of a room is handled at a time, by all processes together.
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


def _free(process_id: str | None) -> Update:
    """End the leases."""
    held = is_held(inbox.c.lease_holder, process_id)
    return (
        update(inbox).where(ENTRY_IS_LEASED, held).values(lease_holder=None, lease_expires_at=None)
    )


INBOX: Final = Capability(
    table=inbox,
    statistics=[
        select(func.count())
        .select_from(inbox)
        .where(ENTRY_IS_PENDING)
        .scalar_subquery()
        .label("pending_events"),
        select(func.min(inbox.c.received_at))
        .where(ENTRY_IS_PENDING)
        .scalar_subquery()
        .label("pending_since"),
        select(func.count())
        .select_from(inbox)
        .where(inbox.c.status == literal_column("'dead'"))
        .scalar_subquery()
        .label("dead_events"),
    ],
    counted_as="events",
    free=_free,
    is_probed=True,
)
