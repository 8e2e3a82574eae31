"""Deleting rows that others may be changing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Delete, Table, delete, select, tuple_

from adapters.sqlalchemy.engine.database import AT_ONCE


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
