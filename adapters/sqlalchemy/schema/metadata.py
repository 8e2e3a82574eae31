"""The metadata of all tables, and the one table that belongs to no capability."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, MetaData, String, Table

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


def is_compared(_item: object, name: str | None, kind: str, *_: object) -> bool:
    """Return whether Alembic can compare it: not the indexes of words, which each database has.

    SQLite's is a group of tables, PostgreSQL's an index that SQLite lacks.
    """
    if kind == "index":
        return name != "ix_transcript_items_search"
    return kind != "table" or not (name or "").startswith("transcript_search")


# One row: the oldest SCHEMA_VERSION whose code works with this schema.
schema_floor: Final = Table(
    "schema_floor", metadata, Column("version", String(32), primary_key=True)
)
