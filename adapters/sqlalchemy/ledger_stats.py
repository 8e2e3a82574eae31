"""What is in the ledger at a moment, counted by its indexes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, literal_column, select

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.schema.tables import (
    CALL_IS_LIVE,
    ENTRY_IS_PENDING,
    SESSION_IS_LIVE,
    calls,
    inbox,
    sessions,
)
from domain.operations.ledger_stats import LedgerStats

_CENSUS: Final = select(
    select(func.count()).select_from(sessions).where(SESSION_IS_LIVE)
    .scalar_subquery().label("live_sessions"),
    select(func.count()).select_from(calls).where(CALL_IS_LIVE)
    .scalar_subquery().label("live_calls"),
    select(func.count()).select_from(inbox).where(ENTRY_IS_PENDING)
    .scalar_subquery().label("pending_events"),
    select(func.min(inbox.c.received_at)).where(ENTRY_IS_PENDING)
    .scalar_subquery().label("pending_since"),
    select(func.count()).select_from(inbox).where(inbox.c.status == literal_column("'dead'"))
    .scalar_subquery().label("dead_events"),
)  # fmt: skip


async def read_ledger_stats(database: Database) -> LedgerStats:
    """The numbers. Raises :class:`~domain.shared.errors.StorageUnavailable`."""
    (row,) = await database.read_many(_CENSUS)
    return LedgerStats(
        live_sessions=row.live_sessions,
        live_calls=row.live_calls,
        pending_events=row.pending_events,
        pending_since=row.pending_since,
        dead_events=row.dead_events,
    )
