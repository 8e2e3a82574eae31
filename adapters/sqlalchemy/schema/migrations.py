"""The schema's version, and how to change it.

Alembic is imported by what migrates only: it would cost every start 0.2 seconds and 11 MB.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import attrs
from sqlalchemy import Connection, column, func, inspect, select, table, text

import adapters
from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.database_url import database
from adapters.sqlalchemy.engine.errors import SchemaOutdated, storage_errors
from adapters.sqlalchemy.engine.postgresql import require_session

if TYPE_CHECKING:
    from alembic.config import Config

Result = TypeVar("Result")

SCHEMA_VERSION: Final = "0029"
"""The newest migration in ``alembic/versions``, whose names sort by age."""

_ADAPTERS: Final = Path(str(adapters.__file__)).resolve().parent
_INSTALLED: Final = _ADAPTERS / "sqlalchemy" / "alembic"
ALEMBIC_FOLDER: Final = _INSTALLED if _INSTALLED.is_dir() else _ADAPTERS.parent / "alembic"
"""The migrations: a wheel has them inside the package (``setup.py``), a checkout at its top."""
LOCK_LIMIT: Final = "2s"
"""How long a migration waits for a table's lock, while all later transactions wait behind it.

Shorter than requests wait, longer than an automatic VACUUM takes to make way.
"""
_ONE_AT_A_TIME: Final = 5_208_114_201
"""Any number that no other software takes for its advisory lock."""
_TURN_SECONDS: Final = 0.1


@attrs.frozen
class Schema:
    """What a database says of its schema.

    ``floor`` is the oldest SCHEMA_VERSION whose code works with it, None where it says nothing
    of that.
    """

    version: str | None
    floor: str | None = None

    @property
    def is_older(self) -> bool:
        """Whether it lacks migrations, or has had none."""
        return self.version is None or self.version < SCHEMA_VERSION

    @property
    def is_newer(self) -> bool:
        """Whether a later version of the service has migrated it."""
        return self.version is not None and self.version > SCHEMA_VERSION

    @property
    def is_beyond(self) -> bool:
        """Whether a later version has taken away what this one needs, for all that it says."""
        return self.is_newer and (self.floor is None or self.floor > SCHEMA_VERSION)

    def require(self) -> None:
        """Raise :class:`SchemaOutdated` unless this version of the service works with it."""
        if self.is_older:
            has = "no schema" if self.version is None else f"schema version {self.version}"
            raise SchemaOutdated(
                f"The database has {has} and this service needs version {SCHEMA_VERSION}; "
                "run `make migrate` (or `backend migrate`)."
            )
        if self.is_beyond:
            raise SchemaOutdated(
                f"The database's schema has version {self.version}, newer than {SCHEMA_VERSION}, "
                "which this version of the service works with, and lacks what it needs; start a "
                f"newer version of the service, with schema {self.floor or self.version} or newer, "
                "or take the database back (docs/operations.md, Upgrading)."
            )


async def current(database: Database) -> str | None:
    """The version of the database's schema; None if it has none yet."""
    return (await _schema(database)).version


async def check_schema(database: Database) -> None:
    """Raise :class:`SchemaOutdated` unless the code works with the database's schema."""
    (await _schema(database)).require()


async def ensure_schema(database: Database) -> None:
    """See to it that the schema fits.

    An embedded database is migrated, by whichever process comes first. A server's is not: several
    versions of the service may be using it. Raises :class:`SchemaOutdated`, or
    :class:`~domain.shared.errors.StorageUnavailable` if the database cannot be used.
    """
    await database.prepare()
    found = await _schema(database)
    if database.embedded and found.is_older:
        await upgrade(database)
    else:
        found.require()


async def migrate(database_url: str) -> str:
    """Bring the database at ``database_url`` to this version's schema; the version it has then.

    That is a newer one where a later version of the service has been, with whose schema this one
    works. Waits for each statement however long it takes, but not for locks (``LOCK_LIMIT``).
    Raises as :func:`ensure_schema`.
    """
    target = database(database_url, patience=None)
    try:
        await target.prepare()
        return await upgrade(target)
    finally:
        await target.dispose()


async def upgrade(database: Database, version: str = SCHEMA_VERSION) -> str:
    """Run the migrations that are missing; the version that the schema has then.

    A newer schema is left as it is, or refused if it does not fit.
    """
    from alembic import command  # noqa: PLC0415 - see the module's docstring

    def run(connection: Connection) -> str:
        found = _read(connection)
        if found.version is not None and found.is_newer:
            found.require()
            return found.version
        command.upgrade(alembic_config(connection), version)
        return version

    return await alone(database, run)


async def downgrade(database: Database, version: str) -> None:
    """Undo migrations down to ``version`` (``base``: all of them)."""
    from alembic import command  # noqa: PLC0415 - see the module's docstring

    await alone(database, lambda connection: command.downgrade(alembic_config(connection), version))


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for this project, to run on ``connection``."""
    from alembic.config import Config  # noqa: PLC0415 - see the module's docstring

    config = Config()
    config.set_main_option("script_location", str(ALEMBIC_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def alone(database: Database, run: Callable[[Connection], Result]) -> Result:
    """What ``run`` returns, called while no other process migrates.

    SQLite: in a transaction, which is a lock on the whole file. PostgreSQL: on a connection of its
    own, on which each migration has a transaction, and waits ``LOCK_LIMIT`` for a lock. Raises
    :class:`~domain.shared.errors.StorageUnavailable` for a URL that leads through a pooler.
    """
    with storage_errors():
        if database.embedded:
            async with database.writer.begin() as connection:
                return await connection.run_sync(run)
        async with database.writer.connect() as connection:
            await connection.run_sync(require_session, database.url)
            # Asked for again and again: CREATE INDEX CONCURRENTLY waits for every statement that
            # is under way, so also for one that waits for this lock: forever.
            attempt = select(func.pg_try_advisory_lock(_ONE_AT_A_TIME))
            while not await connection.scalar(attempt):
                await connection.rollback()
                await asyncio.sleep(_TURN_SECONDS)
            try:
                await connection.execute(text(f"SET lock_timeout = '{LOCK_LIMIT}'"))
                await connection.commit()
                return await connection.run_sync(run)
            finally:
                await connection.invalidate()  # the lock and the limit end with it


async def _schema(database: Database) -> Schema:
    with storage_errors():
        async with database.reader.connect() as connection:
            return await connection.run_sync(_read)


def _read(connection: Connection) -> Schema:
    found = Schema(_value(connection, "alembic_version", "version_num"))
    if not found.is_newer:
        return found  # with whose code it works besides is of no interest
    return attrs.evolve(found, floor=_value(connection, "schema_floor", "version"))


def _value(connection: Connection, name: str, of: str) -> str | None:
    """What a table of one row holds; None if there is no table or no row."""
    if not inspect(connection).has_table(name):
        return None
    value: str | None = connection.scalar(select(column(of)).select_from(table(name)))
    return value
