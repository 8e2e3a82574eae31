"""How alembic reaches the database.

The service hands its connection over (``config.attributes["connection"]``). The ``alembic``
command connects to what DATABASE_URL names.
"""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import Connection

from adapters.sqlalchemy.capabilities import metadata
from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.schema.metadata import is_compared
from adapters.sqlalchemy.schema.migrations import alone
from alembic import context
from domain.shared.errors import StorageUnavailable
from entrypoints.settings import InvalidSettings, load_settings


def run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        connection.rollback()  # what has been read so far; each migration has its own transaction
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=is_compared,
        render_as_batch=sqlite,  # it can hardly alter tables
        transaction_per_migration=not sqlite,  # on SQLite all of them share the caller's
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    settings = load_settings(only=("DATABASE_URL",))
    target = database(settings.database_url, patience=None)
    await target.prepare()
    try:
        await alone(target, run)
    finally:
        await target.dispose()


if context.is_offline_mode():
    raise SystemExit("These migrations need a database; --sql is not supported.")
given = context.config.attributes.get("connection")
if given is None:
    try:
        asyncio.run(connect_and_run())
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except StorageUnavailable as error:
        sys.exit(str(error))
else:
    run(given)
