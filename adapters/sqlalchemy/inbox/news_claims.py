"""Leasing events that were just added, without a look at the rooms that have any."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import String, bindparam, func, literal_column, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.inbox.claims import is_due, is_leased
from adapters.sqlalchemy.inbox.table import entry_is_ready, inbox

_ready: Final = inbox.alias("ready")


def _lease_new() -> ReturningUpdate[Any]:
    first = inbox.alias("first")
    oldest = (
        select(first.c.event_id)
        .where(entry_is_ready(first), first.c.room_name == _ready.c.room_name)
        .order_by(first.c.received_at, first.c.event_id)
        .limit(1)
        .scalar_subquery()
    )
    wanted = select(_ready.c.event_id).where(
        _ready.c.event_id == bindparam("wanted"),
        func.coalesce(_ready.c.status, "") == literal_column("'pending'", String),
        _ready.c.waits_until.is_(None),
        _ready.c.lease_holder.is_(None),
        is_due(_ready),
        ~is_leased(_ready.c.room_name),
        oldest == _ready.c.event_id,
    )
    # Another replica's row is passed over, not waited for.
    ids = wanted.with_for_update(skip_locked=True, of=_ready)
    return (
        update(inbox)
        .where(inbox.c.event_id.in_(ids))
        .values(lease_holder=bindparam("by"), lease_expires_at=bindparam("until"))
        .returning(inbox)
    )


LEASE_NEW: Final = Lookup(_lease_new())
"""Leases the event ``wanted`` if it is the oldest due entry of a room in which none is leased."""
