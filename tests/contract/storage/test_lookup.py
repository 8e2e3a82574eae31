"""What SQLite's driver finds by itself is what SQLAlchemy finds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    create_engine,
    select,
)

from adapters.sqlalchemy.engine.lookup import Lookup, select_of
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime

TABLE = Table(
    "things",
    MetaData(),
    Column("id", String(36), primary_key=True),
    Column("kind", String(8)),
    Column("at", UtcDateTime),
    Column("is_new", Boolean),
)
NOON = datetime(2026, 1, 31, 12, 0, 0, 123000, UTC)
ROWS: list[dict[str, Any]] = [
    {"id": "1", "kind": "a", "at": NOON, "is_new": True},
    {"id": "2", "kind": "a", "at": None, "is_new": False},
    {"id": "3", "kind": "b", "at": NOON.replace(microsecond=0), "is_new": None},
]
BY_ID = Lookup(select(TABLE).where(TABLE.c.id == bindparam("wanted")))
FIRST = Lookup(
    select(TABLE).where(TABLE.c.kind == bindparam("wanted")).order_by(TABLE.c.id).limit(1)
)


@pytest.mark.parametrize(("lookup", "wanted"), [(BY_ID, "1"), (BY_ID, "2"), (BY_ID, "3"),
                                                (BY_ID, "4"), (FIRST, "a")])  # fmt: skip
def test_it_finds_the_same_rows_with_the_same_types(
    lookup: Lookup[Select[Any]], wanted: str
) -> None:
    engine = create_engine("sqlite://", connect_args={"isolation_level": None})
    with engine.connect() as connection:
        TABLE.create(connection)
        connection.execute(TABLE.insert(), ROWS)
        values = {"wanted": wanted}

        found = [row._asdict() for row in lookup.rows(connection, values)]

        rows = connection.execute(select_of(lookup), values).mappings().all()
    assert found == rows
    assert [[type(value) for value in row.values()] for row in found] == [
        [type(value) for value in row.values()] for row in rows
    ]
