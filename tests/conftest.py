"""Fixtures that every tier can use."""

from hypothesis import settings

from tests.databases import (
    database_url,
    empty_postgres_url,
    empty_sql_url,
    empty_sqlite_url,
    migrated_file,
    postgres,
    postgres_url,
    sql_url,
    sqlite_url,
)

__all__ = [
    "database_url",
    "empty_postgres_url",
    "empty_sql_url",
    "empty_sqlite_url",
    "migrated_file",
    "postgres",
    "postgres_url",
    "sql_url",
    "sqlite_url",
]

# No property is judged by a clock.
settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")
