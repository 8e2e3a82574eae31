"""The table of calls."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    func,
    select,
)

from adapters.sqlalchemy.capability import Capability, personal
from adapters.sqlalchemy.engine.listing import Half, Listing
from adapters.sqlalchemy.engine.searchable import Searchable
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata
from domain.calls.call import CallStatus
from domain.privacy.data_subject import DataSubject
from domain.rooms.sip_leg import Direction

calls: Final = Table(
    "calls",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("room_name", Text, nullable=False, info=personal(DataSubject.is_in)),
    # Null while the call is being dialled, as participant_sid.
    Column("room_sid", Text),
    Column("participant_sid", Text),
    Column("participant_identity", Text, nullable=False, info=personal(DataSubject.is_called)),
    Column("direction", String(16), nullable=False),
    Column("from_number", Text, info=personal(DataSubject.is_in)),
    Column("to_number", Text, info=personal(DataSubject.is_in)),
    Column("trunk_id", Text),
    Column("dispatch_rule_id", Text),
    Column("sip_call_id", Text, info=personal(DataSubject.is_in)),
    # Follows from the columns below it; stored to be searched for.
    Column("status", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ringing_at", UtcDateTime),
    Column("seen_active_at", UtcDateTime),
    Column("was_active_at_end", Boolean, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("end_concluded", Boolean, nullable=False, server_default=false()),
    # When an end that may still be corrected is announced; null if none is waiting for that.
    Column("announce_at", UtcDateTime),
    Column("aborted", Boolean, nullable=False),
    Column("disconnect_reason", Text),
    Column("session_id", String(36)),
    Column("timeline", Text, nullable=False),
    Column("tenant", Text),
    Column("version", Integer, nullable=False),
    # Since 0005; empty in older rows.
    Column("direction_assumed", Boolean),
    Column("unanswered_at", UtcDateTime),
    Column("sip_call_id_full", Text, info=personal(DataSubject.is_in)),
    Column("sip_status_code", Integer),
    Column("carrier_call_id", Text, info=personal(DataSubject.is_in)),
    # Since 0011; null where it is created_at, which is when a placed call was placed.
    Column("joined_at", UtcDateTime),
    # JSON as text. Since 0015; null where no phone number routes the call.
    Column("route", Text, info=personal(DataSubject.is_in_answer)),
)

CALL_IS_LIVE: Final[ColumnElement[bool]] = calls.c.ended_at.is_(None)

CALL_END_IS_PENDING: Final[ColumnElement[bool]] = calls.c.announce_at.is_not(None)

Index(
    "ix_calls_announce",
    calls.c.announce_at,
    sqlite_where=CALL_END_IS_PENDING,
    postgresql_where=CALL_END_IS_PENDING,
)
Index("uq_calls_stay", calls.c.room_sid, calls.c.participant_sid, unique=True)
Index(
    "ix_calls_live_room",
    calls.c.room_sid,
    sqlite_where=CALL_IS_LIVE,
    postgresql_where=CALL_IS_LIVE,
)

LISTING: Final = Listing.of(
    calls,
    few={
        "direction": [direction.value for direction in Direction],
        "status": [status.value for status in CallStatus],
    },
    whole=[("room_name",), ("from_number", "to_number")],
    # Pruning, and the search for a room's newest, use these too.
    shared={(): "created", ("room_name",): "room_created"},
    indexes={
        (Half.ALL, ("from_number", "to_number")): "from_to",
        (Half.UNOWNED, ("direction", "status")): "unowned_status",
        (Half.UNOWNED, ("from_number", "direction", "status")): "unowned_from",
        (Half.UNOWNED, ("to_number", "direction", "status")): "unowned_to",
        (Half.OWNED, ("direction", "status")): "owned_status",
        (Half.OWNED, ("from_number", "direction", "status")): "owned_from",
        (Half.OWNED, ("to_number", "direction", "status")): "owned_to",
        (Half.OWNED, ("tenant", "direction", "status")): "tenant_status",
        (Half.OWNED, ("tenant", "from_number")): "tenant_from",
        (Half.OWNED, ("tenant", "to_number")): "tenant_to",
    },
)

SEARCHABLE: Final = Searchable.of(
    LISTING,
    CALL_IS_LIVE,
    names=("room_name", "participant_identity", "sip_call_id"),
    numbers=("from_number", "to_number"),
)

CALLS: Final = Capability(
    table=calls,
    statistics=[
        select(func.count())
        .select_from(calls)
        .where(CALL_IS_LIVE)
        .scalar_subquery()
        .label("live_calls")
    ],
    counted_as="calls",
    is_live=CALL_IS_LIVE,
)
