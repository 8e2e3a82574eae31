"""One page of a table, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, String, Table, literal, select, tuple_

from adapters.sqlalchemy.utc_datetime import UtcDateTime
from domain.page import Position, Span


def page_of(
    table: Table,
    wanted: Mapping[str, object],
    span: Span,
    after: Position | None,
    limit: int,
) -> Select[Any]:
    """The newest ``limit`` rows whose columns equal what is ``wanted`` (None: whatever they are).

    Starts at ``after`` by its place in the index rather than by counting rows.
    """
    query = select(table)
    for column, value in wanted.items():
        if value is not None:
            query = query.where(table.c[column] == value)
    if span.since is not None:
        query = query.where(table.c.created_at >= span.since)
    if span.until is not None:
        query = query.where(table.c.created_at < span.until)
    if after is not None:
        place = tuple_(literal(after.created_at, UtcDateTime), literal(after.id, String))
        query = query.where(tuple_(table.c.created_at, table.c.id) < place)
    return query.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)
