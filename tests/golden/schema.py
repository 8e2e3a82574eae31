"""The database schema after all migrations, and the schema that the code's tables describe.

Both are read from the database's catalogue, so that they can be compared.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.golden import collect

IN_CODE: Final = "schema in code"
"""The name of the schema that the code describes, in what :func:`golden_files` returns."""
_BOOKKEEPING: Final = ("alembic_version", "schema_floor")
_TABLE: Final = re.compile(r'CREATE TABLE "?(?P<name>\w+)"? \((?P<body>.*)\)', re.DOTALL)
_COMMA: Final = re.compile(r",\s*(?![^(]*\))")
"""A comma between columns, not within parentheses."""

_POSTGRES_COLUMNS: Final = """
    SELECT c.relname, quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
        || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
    ORDER BY c.relname, a.attnum
"""
_POSTGRES_CONSTRAINTS: Final = """
    SELECT conrelid::regclass::text, 'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND contype <> 'n' ORDER BY conname
"""  # 'n': NOT NULL, which PostgreSQL 18 counts among them
_POSTGRES_OTHERS: Final = """
    SELECT replace(pg_get_indexdef(i.indexrelid), current_schema() || '.', '')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = current_schema()::regnamespace
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
    UNION ALL
    SELECT format('%s of kind %s', relname, relkind) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind NOT IN ('r', 'p', 'i')
    UNION ALL
    SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND NOT tgisinternal
"""


def golden_files(postgres_url: str | None = None) -> dict[str, str]:
    """Return the schema of SQLite, or of the empty PostgreSQL database at ``postgres_url``."""
    if postgres_url is None:
        return _sqlite()
    collect.migrate(postgres_url)
    return asyncio.run(_postgresql(postgres_url))


def _sqlite() -> dict[str, str]:
    path = Path("schema.db").resolve()
    collect.migrate(f"sqlite+aiosqlite:///{path}")
    engine = sqlalchemy.create_engine("sqlite://")
    with closing(sqlite3.connect(path)) as migrated, engine.connect() as in_code:
        collect.tables().create_all(in_code)
        raw: Any = in_code.connection.dbapi_connection
        found = {"schema_sqlite.sql": _sqlite_schema(migrated), IN_CODE: _sqlite_schema(raw)}
    engine.dispose()
    return found


def _sqlite_schema(connection: sqlite3.Connection) -> str:
    columns: list[tuple[str, str]] = []
    others: list[str] = []
    for (statement,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
        if table := _TABLE.fullmatch(statement):
            columns += [(table["name"], line) for line in _COMMA.split(table["body"].strip())]
        else:
            others.append(statement)
    rows = [
        (name, value)
        for name in _BOOKKEEPING
        if name in dict(columns)
        for (value,) in connection.execute(f"SELECT * FROM {name}")
    ]
    return _written(columns, others, rows)


async def _postgresql(url: str) -> dict[str, str]:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            migrated = await connection.run_sync(_postgresql_schema)
            await connection.execute(text("CREATE SCHEMA in_code"))
            await connection.execute(text("SET search_path = in_code"))
            await connection.run_sync(collect.tables().create_all)
            in_code = await connection.run_sync(_postgresql_schema)
            await connection.rollback()
    finally:
        await engine.dispose()
    return {"schema_postgresql.sql": migrated, IN_CODE: in_code}


def _postgresql_schema(connection: Connection) -> str:
    columns = [
        (str(name), str(line))
        for query in (_POSTGRES_COLUMNS, _POSTGRES_CONSTRAINTS)
        for name, line in connection.execute(text(query))
    ]
    rows = [
        (name, str(value))
        for name in _BOOKKEEPING
        if name in dict(columns)
        for value in connection.scalars(text(f"SELECT * FROM {name}"))
    ]
    return _written(columns, list(connection.scalars(text(_POSTGRES_OTHERS))), rows)


def _written(
    columns: Iterable[tuple[str, str]], others: Iterable[str], rows: Sequence[tuple[str, str]]
) -> str:
    """Return the statements in order of their names, the rows of the migrations at the end."""
    tables: dict[str, list[str]] = {}
    for name, line in columns:
        tables.setdefault(name, []).append(" ".join(line.split()))
    statements = [
        f"CREATE TABLE {name} (\n    " + ",\n    ".join(lines) + "\n)"
        for name, lines in sorted(tables.items())
    ]
    statements += sorted(others)
    statements += [f"INSERT INTO {name} VALUES ('{value}')" for name, value in rows]
    return "".join(f"{statement};\n" for statement in statements)
