"""Leasing events that were just added, without a look at the rooms that have any."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    String,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sqlalchemy.inbox.claims import WORKING, is_due, is_leased, padded
from adapters.sqlalchemy.inbox.table import entry_is_ready, inbox

_ready: Final = inbox.alias("ready")


def _lease_news() -> ReturningUpdate[Any]:
    in_work = select(inbox.c.room_name).where(inbox.c.event_id.in_(WORKING))
    first = inbox.alias("first")
    oldest = (
        select(first.c.event_id)
        .where(entry_is_ready(first), first.c.room_name == _ready.c.room_name)
        .order_by(first.c.received_at, first.c.event_id)
        .limit(1)
        .scalar_subquery()
    )
    wanted = select(_ready.c.event_id).where(
        _ready.c.event_id.in_(bindparam("ids", expanding=True)),
        func.coalesce(_ready.c.status, "") == literal_column("'pending'", String),
        _ready.c.waits_until.is_(None),
        _ready.c.lease_holder.is_(None),
        is_due(_ready),
        ~is_leased(_ready.c.room_name),
        _ready.c.room_name.not_in(in_work),
        oldest == _ready.c.event_id,
    )
    ids = wanted.with_for_update(skip_locked=True, of=_ready)
    return (
        update(inbox)
        .where(inbox.c.event_id.in_(ids))
        .values(lease_holder=bindparam("by"), lease_expires_at=bindparam("until"))
        .returning(inbox)
    )


_LEASE_NEWS: Final = _lease_news()


def lease_news(
    connection: Connection,
    values: Mapping[str, Any],
    news: Collection[str],
    holder: str,
    until: datetime,
) -> Sequence[Row[Any]]:
    """Lease those of ``news`` that are the oldest due entry of a room in which none is leased."""
    given = {**values, "ids": padded(news), "by": holder, "until": until}
    rows = connection.execute(_LEASE_NEWS, given).all()
    return sorted(rows, key=lambda row: (row.received_at, row.event_id))
