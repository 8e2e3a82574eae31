"""What migrations do beyond Alembic's operations. Imported by them only, as Alembic is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import column, table, text, update

from adapters.sqlalchemy.schema.migrations import LOCK_LIMIT
from alembic import op


def set_floor(version: str) -> None:
    """Say that the schema works with code from ``version`` (a SCHEMA_VERSION) on, and none older.

    A contract migration raises it to the oldest version that misses nothing of what it takes away,
    and its downgrade sets it back.
    """
    op.execute(update(table("schema_floor", column("version"))).values(version=version))


def build_index(  # noqa: PLR0913 - what an index is
    name: str,
    on: str,
    columns: Sequence[str],
    *,
    where: str | None = None,
    unique: bool = False,
    by_bytes: str | None = None,
    include: Sequence[str] = (),
) -> None:
    """Make an index of a table that may be large while others write to it.

    On PostgreSQL, ``by_bytes`` is a column in the order of its bytes, whatever the database's
    collation is, and ``include`` are columns that the index has beside its key.

    On PostgreSQL (CREATE INDEX CONCURRENTLY) it is in no transaction, so it is all that its
    migration does: one that was cut short is begun anew.
    """
    condition = None if where is None else text(where)
    context = op.get_context()
    if context.dialect.name == "sqlite":
        op.create_index(name, on, columns, unique=unique, sqlite_where=condition)
        return
    with context.autocommit_block():
        # It waits for transactions in progress; later ones do not wait for it.
        op.execute("SET lock_timeout = 0")
        op.drop_index(name, on, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name,
            on,
            columns,
            unique=unique,
            postgresql_where=condition,
            postgresql_ops={} if by_bytes is None else {by_bytes: "text_pattern_ops"},
            postgresql_include=[*include],
            postgresql_concurrently=True,
        )
        op.execute(f"SET lock_timeout = '{LOCK_LIMIT}'")


def drop_index(name: str, on: str) -> None:
    """Drop an index of a table that others read and write meanwhile, as :func:`build_index`."""
    context = op.get_context()
    if context.dialect.name == "sqlite":
        op.drop_index(name, on)
        return
    with context.autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.drop_index(name, on, if_exists=True, postgresql_concurrently=True)
        op.execute(f"SET lock_timeout = '{LOCK_LIMIT}'")
