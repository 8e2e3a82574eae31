"""The table of sessions."""

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
    Update,
    false,
    func,
    literal_column,
    select,
    update,
)

from adapters.sqlalchemy.capability import LONG_AGO, Capability, is_held, personal
from adapters.sqlalchemy.engine.listing import Half, Listing
from adapters.sqlalchemy.engine.searchable import Searchable
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.schema.metadata import metadata
from domain.privacy.data_subject import DataSubject
from domain.sessions.session_status import SessionStatus

sessions: Final = Table(
    "sessions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("room_name", Text, nullable=False, info=personal(DataSubject.is_in)),
    Column("room_sid", Text),
    Column("identity", Text, nullable=False, info=personal(DataSubject.is_called)),
    Column("agent_name", Text, nullable=False),
    # JSON as text: PostgreSQL's jsonb cannot hold "\u0000", which a caller's value may.
    Column("agent_config", Text, nullable=False, info=personal(DataSubject.is_in_config)),
    # The saved agent that it began with.
    Column("agent_id", String(36)),
    Column("agent_version", Integer),
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
    # When an end that may still be corrected is announced; null if none is waiting for that.
    Column("announce_at", UtcDateTime),
    # The participant that serves it.
    Column("agent_identity", Text),
    # Those that served it before, as a JSON list; null without any.
    Column("earlier_agents", Text),
    Column("agent_joined_at", UtcDateTime),
    Column("agent_left_at", UtcDateTime),
    Column("agent_adopted", Boolean, nullable=False, server_default=false()),
    Column("dispatch_attempts", Integer, nullable=False, server_default="0"),
    Column("retry_at", UtcDateTime),
    # Until when a user may join; null where the agent is dispatched at once.
    Column("join_until", UtcDateTime),
    # The latest end of its tokens that live longer than the default; null without any.
    Column("token_until", UtcDateTime),
    Column("timeline", Text, nullable=False, server_default="[]"),
    # The call that it was started for.
    Column("call_id", String(36)),
    Column("direction", String(16)),
    Column("caller_number", Text, info=personal(DataSubject.is_in)),
    Column("called_number", Text, info=personal(DataSubject.is_in)),
    # The tenant that it belongs to; null if it was started without an API key.
    Column("tenant", Text),
    Column("version", Integer, nullable=False),
)

# A literal rather than a parameter, which would keep the planners from using the partial index.
SESSION_IS_LIVE: Final[ColumnElement[bool]] = sessions.c.status != literal_column("'ended'", String)

SESSION_WAS_UNUSED: Final[ColumnElement[bool]] = (
    (sessions.c.status == literal_column("'ended'", String))
    & (sessions.c.end_reason == literal_column("'abandoned'", String))
    & sessions.c.dispatch_id.is_(None)
    & sessions.c.room_sid.is_(None)
)
"""It ended without a room. It waited for a user if it has ``join_until``."""

Index(
    "ix_sessions_unused",
    sessions.c.join_until,
    sqlite_where=SESSION_WAS_UNUSED,
    postgresql_where=SESSION_WAS_UNUSED,
)
SESSION_END_IS_PENDING: Final[ColumnElement[bool]] = sessions.c.announce_at.is_not(None)
Index(
    "ix_sessions_announce",
    sessions.c.announce_at,
    sqlite_where=SESSION_END_IS_PENDING,
    postgresql_where=SESSION_END_IS_PENDING,
)
SESSION_HAS_INSTANCE: Final[ColumnElement[bool]] = sessions.c.room_sid.is_not(None)
Index(
    "ix_sessions_room_sid",
    sessions.c.room_sid,
    sqlite_where=SESSION_HAS_INSTANCE,
    postgresql_where=SESSION_HAS_INSTANCE,
)
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

LISTING: Final = Listing.of(
    sessions,
    few={"status": [status.value for status in SessionStatus]},
    whole=[("room_name",)],
    # Pruning, and the search for a room's newest, use these too.
    shared={(): "created", ("room_name",): "room_created"},
    indexes={
        (Half.UNOWNED, ("status",)): "unowned_status",
        (Half.UNOWNED, ("identity", "status")): "unowned_identity",
        (Half.OWNED, ("status",)): "owned_status",
        (Half.OWNED, ("identity", "status")): "owned_identity",
        (Half.OWNED, ("tenant", "status")): "tenant_status",
        (Half.OWNED, ("tenant", "identity")): "tenant_identity",
    },
)

SEARCHABLE: Final = Searchable.of(
    LISTING, SESSION_IS_LIVE, names=("room_name", "room_sid", "identity")
)


def _free(process_id: str | None) -> Update:
    """End the claims; a claim keeps its holder, so that the next one asks LiveKit what was done."""
    held = is_held(sessions.c.claim_holder, process_id)
    return update(sessions).where(SESSION_IS_LIVE, held).values(claim_expires_at=LONG_AGO)


SESSIONS: Final = Capability(
    table=sessions,
    statistics=[
        select(func.count())
        .select_from(sessions)
        .where(SESSION_IS_LIVE)
        .scalar_subquery()
        .label("live_sessions")
    ],
    counted_as="sessions",
    is_live=SESSION_IS_LIVE,
    free=_free,
    is_probed=True,
)
