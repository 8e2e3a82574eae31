"""Deleting rows that others may be changing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import ColumnElement, Delete, Executable, Table, delete, select, tuple_

from adapters.sqlalchemy.engine.database import AT_ONCE, Database


def key_of(table: Table) -> ColumnElement[Any]:
    """Return the table's primary key, a tuple if it has several columns."""
    columns = list(table.primary_key.columns)
    return columns[0] if len(columns) == 1 else tuple_(*columns)


def delete_some(table: Table, *conditions: ColumnElement[bool]) -> Delete:
    """Delete up to ``AT_ONCE`` rows that meet the conditions.

    PostgreSQL checks them once more when it locks a row, which it does not do for a DELETE whose
    subquery locks nothing. It leaves rows that another transaction is changing to the next time.
    """
    found = select(*table.primary_key.columns).where(*conditions).limit(AT_ONCE)
    return delete(table).where(key_of(table).in_(found.with_for_update(skip_locked=True)))


@attrs.frozen
class Pruning:
    """Delete the rows that ``statement`` selects by age, with its parameter ``before``."""

    database: Database
    statement: Executable

    async def __call__(self, before: datetime) -> int:
        """Delete them, a part per transaction, and return their number."""
        return await self.database.repeat(self.statement, {"before": before})
