"""The metadata of all tables, and the one table that belongs to no capability."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, MetaData, String, Table

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

ONLY_POSTGRESQL: Final = frozenset(
    {
        "ix_transcript_items_search",
        "ix_transcript_items_tenant",
        "ix_sessions_begins_room_name",
        "ix_sessions_begins_room_sid",
        "ix_sessions_begins_identity",
        "ix_calls_begins_room_name",
        "ix_calls_begins_from_number",
        "ix_calls_begins_to_number",
    }
)
"""Indexes that SQLite lacks."""


def is_compared(_item: object, name: str | None, kind: str, *_: object) -> bool:
    """Return whether Alembic can compare it: not what only one of the databases has.

    SQLite's index of words is a group of tables.
    """
    if kind == "index":
        return name not in ONLY_POSTGRESQL
    return kind != "table" or not (name or "").startswith("transcript_search")


# One row: the oldest SCHEMA_VERSION whose code works with this schema.
schema_floor: Final = Table(
    "schema_floor", metadata, Column("version", String(32), primary_key=True)
)
