"""The schema's version, and how to change it.

Alembic is imported by what migrates only: it would cost every start 0.2 seconds and 11 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from adapters.sqlalchemy.database import Database, database
from adapters.sqlalchemy.errors import SchemaOutdated, storage_errors

if TYPE_CHECKING:
    from alembic.config import Config

SCHEMA_VERSION: Final = "0003"
"""The newest migration in ``alembic/versions``, whose names sort by age."""

ALEMBIC_FOLDER: Final = Path(__file__).resolve().parents[2] / "alembic"
_ONE_AT_A_TIME: Final = 5_208_114_201
"""Any number that no other software takes for its advisory lock."""


async def current(database: Database) -> str | None:
    """The version of the database's schema; None if it has none yet."""
    with storage_errors():
        async with database.reader.connect() as connection:
            return await connection.run_sync(_current)


async def check_schema(database: Database) -> None:
    """Raise :class:`SchemaOutdated` unless the database's schema is the one the code needs."""
    _compare(await current(database))


async def ensure_schema(database: Database) -> None:
    """See to it that the schema fits.

    An embedded database is migrated, by whichever process comes first. A server's is not: several
    versions of the service may be using it. Raises :class:`SchemaOutdated`, or
    :class:`~domain.errors.StorageUnavailable` if the database cannot be used.
    """
    await database.prepare()
    found = await current(database)
    if database.embedded and (found is None or found < SCHEMA_VERSION):
        await upgrade(database)
    else:
        _compare(found)


async def migrate(database_url: str) -> str:
    """Bring the database at ``database_url`` to this version's schema, and say what that is.

    Waits for each statement however long it takes. Raises as :func:`ensure_schema`.
    """
    target = database(database_url, patience=None)
    try:
        await target.prepare()
        await upgrade(target)
    finally:
        await target.dispose()
    return SCHEMA_VERSION


async def upgrade(database: Database, version: str = SCHEMA_VERSION) -> None:
    """Run the migrations that are missing, in one transaction; a newer schema is refused."""
    from alembic import command  # noqa: PLC0415 - see the module's docstring

    def run(connection: Connection) -> None:
        found = _current(connection)
        if found is not None and found > SCHEMA_VERSION:
            _compare(found)
        command.upgrade(alembic_config(connection), version)

    await _alone(database, run)


async def downgrade(database: Database, version: str) -> None:
    """Undo migrations, in one transaction, down to ``version`` (``base``: all of them)."""
    from alembic import command  # noqa: PLC0415 - see the module's docstring

    await _alone(
        database, lambda connection: command.downgrade(alembic_config(connection), version)
    )


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for this project, to run on ``connection``."""
    from alembic.config import Config  # noqa: PLC0415 - see the module's docstring

    config = Config()
    config.set_main_option("script_location", str(ALEMBIC_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def _alone(database: Database, run: Callable[[Connection], None]) -> None:
    """Call ``run`` in a transaction while no other process does so."""
    with storage_errors():
        # SQLite's transaction is a lock on the whole file.
        async with database.writer.begin() as connection:
            if not database.embedded:
                await connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}
                )
            await connection.run_sync(run)


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _compare(found: str | None) -> None:
    if found == SCHEMA_VERSION:
        return
    if found is not None and found > SCHEMA_VERSION:
        raise SchemaOutdated(
            f"The database's schema has version {found}, newer than {SCHEMA_VERSION}, which this "
            "version of the service works with; start a newer version of the service."
        )
    raise SchemaOutdated(
        f"The database has {'no schema' if found is None else f'schema version {found}'} and this "
        f"service needs version {SCHEMA_VERSION}; run `make migrate` (or `backend migrate`)."
    )
