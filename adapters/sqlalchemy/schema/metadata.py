"""The metadata of all tables, and the one table that belongs to no capability."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, MetaData, String, Table

metadata: Final = MetaData(naming_convention={"pk": "pk_%(table_name)s"})

# One row: the oldest SCHEMA_VERSION whose code works with this schema.
schema_floor: Final = Table(
    "schema_floor", metadata, Column("version", String(32), primary_key=True)
)
