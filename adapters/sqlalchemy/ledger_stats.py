"""What is in the ledger at a moment, counted by its indexes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from adapters.sqlalchemy.capabilities import CAPABILITIES
from adapters.sqlalchemy.engine.database import Database
from domain.operations.ledger_stats import LedgerStats

_STATISTICS: Final = select(*(statistic for each in CAPABILITIES for statistic in each.statistics))


async def read_ledger_stats(database: Database) -> LedgerStats:
    """The numbers. Raises :class:`~domain.shared.errors.StorageUnavailable`."""
    (row,) = await database.read_many(_STATISTICS)
    return LedgerStats(**row._mapping)
