"""Fixtures that every tier can use."""

from tests.databases import database_url, postgres, postgres_url, sql_url, sqlite_url

__all__ = ["database_url", "postgres", "postgres_url", "sql_url", "sqlite_url"]
