"""How alembic reaches the database.

The service hands its connection over (``config.attributes["connection"]``). The ``alembic``
command connects to what DATABASE_URL names.
"""

from __future__ import annotations

import asyncio
import os

from sqlalchemy import Connection

from adapters.sqlalchemy.database import database
from adapters.sqlalchemy.migrations import alone
from adapters.sqlalchemy.tables import metadata
from alembic import context


def run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        connection.rollback()  # what has been read so far; each migration has its own transaction
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=sqlite,  # it can hardly alter tables
        transaction_per_migration=not sqlite,  # on SQLite all of them share the caller's
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    target = database(os.environ["DATABASE_URL"], patience=None)
    await target.prepare()
    try:
        await alone(target, run)
    finally:
        await target.dispose()


if context.is_offline_mode():
    raise SystemExit("These migrations need a database; --sql is not supported.")
given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(connect_and_run())
else:
    run(given)
