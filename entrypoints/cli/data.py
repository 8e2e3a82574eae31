"""``backend migrate``, ``backup``, ``restore``: the database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from application.settings import Storage
from domain.shared.errors import StorageUnavailable
from entrypoints.cli.output import printable
from entrypoints.cli.process import LEDGER_VARIABLES
from entrypoints.container import Container
from entrypoints.settings import load_settings


def migrate() -> None:
    """Bring the database that DATABASE_URL names to this version's schema."""
    settings = load_settings(only=LEDGER_VARIABLES)
    if settings.storage is Storage.MEMORY:
        typer.echo("DATABASE_URL is memory://, which has no schema.")
        return
    version = asyncio.run(Container(settings=settings).migrate())
    typer.echo(f"The database has schema {version}, with which this version works.")


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, which must not be there yet.")],
) -> None:
    """Copy the SQLite database to a file, consistently, while the service goes on writing."""
    Container.backup(_database_url(), file)
    typer.echo(f"Everything that was committed is in {printable(file)}.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backend backup` wrote.")],
) -> None:
    """Put a backup where the SQLite database is; the service must be stopped.

    The database that was there is kept beside it.
    """
    old = Container.restore(_database_url(), file)
    typer.echo(
        f"{printable(file)} is the database now." + (f" The old one is {old}." if old else "")
    )


def _database_url() -> str:
    settings = load_settings(only=LEDGER_VARIABLES)
    if settings.storage is not Storage.SQLITE:
        raise StorageUnavailable(
            "DATABASE_URL names no SQLite file; for PostgreSQL use pg_dump and pg_restore."
        )
    return settings.database_url
