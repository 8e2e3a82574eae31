"""One page of a table, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, String, Table, literal, or_, select, tuple_

from adapters.sqlalchemy.utc_datetime import UtcDateTime
from domain.access import Tenants
from domain.page import CallFilter, Position, SessionFilter


def page_of(
    table: Table,
    columns: Mapping[str, object],
    wanted: CallFilter | SessionFilter,
    after: Position | None,
    limit: int,
) -> Select[Any]:
    """The newest ``limit`` rows with these values in ``columns`` (None: whatever is there).

    Starts at ``after`` by its place in the index rather than by counting rows.
    """
    query = select(table)
    for column, value in columns.items():
        if value is not None:
            query = query.where(table.c[column] == value)
    query = of_tenants(query, table, wanted.tenants)
    span = wanted.created
    if span.since is not None:
        query = query.where(table.c.created_at >= span.since)
    if span.until is not None:
        query = query.where(table.c.created_at < span.until)
    if after is not None:
        place = tuple_(literal(after.created_at, UtcDateTime), literal(after.id, String))
        query = query.where(tuple_(table.c.created_at, table.c.id) < place)
    return query.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)


def of_tenants(query: Select[Any], table: Table, tenants: Tenants) -> Select[Any]:
    """``query`` for what is these tenants' (None among them: nobody's); None: everybody's."""
    if tenants is None:
        return query
    whose = [table.c.tenant == tenant for tenant in tenants]  # "= NULL" becomes "IS NULL"
    return query.where(or_(*whose))
