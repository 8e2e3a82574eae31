"""Which schema the database has, and how it gets the right one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sqlalchemy.engine import Engines, make_engines, make_folder
from adapters.sqlalchemy.errors import SchemaMismatch, storage_errors
from adapters.sqlalchemy.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS: Final = Path(__file__).resolve().parents[2] / "alembic"
_LOCK: Final = text("SELECT pg_advisory_xact_lock(4711000001)")


async def schema_version(connection: AsyncConnection) -> str | None:
    """The revision of the database's schema; None if it has none."""
    return await connection.run_sync(_version)


async def ensure_schema(engines: Engines) -> None:
    """See to it that the schema is this version's: migrate a SQLite file, insist elsewhere.

    Raises :class:`SchemaMismatch`.
    """
    async with engines.read.connect() as connection:
        found = await schema_version(connection)
    if found == SCHEMA_VERSION:
        return
    if found is not None and found > SCHEMA_VERSION:
        raise SchemaMismatch(
            f"the database has schema {found}, which is newer than {SCHEMA_VERSION}, the newest "
            "that this version knows; run the newer version."
        )
    if not engines.embedded:
        raise SchemaMismatch(
            f"the database has {f'schema {found}' if found else 'no schema'} and this version "
            f"needs {SCHEMA_VERSION}; run `make migrate` (or `backend migrate`) first."
        )
    await _upgrade(engines)


async def migrate(url: str) -> tuple[str | None, str]:
    """Bring the database at ``url`` to this version's schema; the versions before and after."""
    engines = make_engines(url)
    try:
        with storage_errors():
            if engines.embedded:
                make_folder(url)
            before = await _upgrade(engines)
    finally:
        await engines.write.dispose()
    return before, SCHEMA_VERSION


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, which needs no file; commands run on ``connection``."""
    from alembic.config import Config  # noqa: PLC0415 - 0.2 s and 11 MB that a start rarely needs

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    return config


async def _upgrade(engines: Engines) -> str | None:
    # One transaction that also is the lock: several processes may start at once on a new file.
    async with engines.write.begin() as connection:
        if not engines.embedded:
            await connection.execute(_LOCK)
        before = await schema_version(connection)
        if before != SCHEMA_VERSION:
            await connection.run_sync(_run_upgrade)
        return before


def _run_upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - as above

    command.upgrade(alembic_config(connection), "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version
