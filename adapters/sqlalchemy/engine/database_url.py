"""Select the database that a URL names."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from adapters.sqlalchemy.engine import postgresql, sqlite
from adapters.sqlalchemy.engine.database import PATIENCE, Database
from adapters.sqlalchemy.engine.group_commit import Watch
from domain.shared.errors import StorageUnavailable


def database(
    url: str, patience: timedelta | None = PATIENCE, watch: Watch | None = None
) -> Database:
    """The database that ``url`` (``sqlite+aiosqlite:///…``, ``postgresql+asyncpg://…``) names.

    Connects to nothing yet. ``patience`` of None waits for a PostgreSQL command however long it
    takes. ``watch`` is called with each batch of changes.
    Raises :class:`~domain.shared.errors.StorageUnavailable` for a URL that names none.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StorageUnavailable("DATABASE_URL is not the address of a database.") from None
    match parsed.drivername:
        case "sqlite+aiosqlite" if parsed.database not in (None, "", ":memory:"):
            engines = sqlite.engines(parsed, patience or PATIENCE)
            return Database(parsed, *engines, watch=watch)
        case "postgresql+asyncpg":
            wait = patience or PATIENCE
            reader, writer, bulk = postgresql.engines(parsed, wait, patience)
            return Database(parsed, reader, writer, watch=watch, patience=wait, bulk=bulk)
    raise StorageUnavailable(
        "DATABASE_URL must be sqlite+aiosqlite:///path/to/file.db or "
        "postgresql+asyncpg://user:password@host/database."
    )
