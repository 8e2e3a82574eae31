"""``backend forget``, ``backup``, ``restore``: what the ledger keeps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from application.settings import Storage
from domain.access.access import SYSTEM
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.shared.errors import StorageUnavailable
from entrypoints.cli.output import printable
from entrypoints.cli.process import LEDGER_VARIABLES, ledger
from entrypoints.container import Container
from entrypoints.settings import load_settings


def forget(
    number: Annotated[
        str | None, typer.Option(help="A telephone number with its country code.")
    ] = None,
    identity: Annotated[str | None, typer.Option(help="A participant's identity.")] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
) -> None:
    """Erase what the ledger knows of a person: sessions, calls with their timelines, events.

    Whatever mentions the number, also as it is dialled at home, or the identity (docs/data.md).
    Nothing brings it back.
    """
    if (number is None) == (identity is None):
        raise typer.BadParameter("Say --number or --identity.")
    person = (
        DataSubject.with_number(number, Container.dialled_at_home)
        if number is not None
        else DataSubject.with_identity(identity or "")
    )
    found = asyncio.run(_mentions(person))
    if not found.all:
        asyncio.run(_forget(person))  # nor shall what was deleted before
        typer.echo("Nothing mentions them.")
        return
    if not yes and not typer.confirm(f"Erase {_told(found)}?"):
        raise typer.Exit(1)
    typer.echo(f"Erased {_told(asyncio.run(_forget(person)))}.")


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


async def _mentions(person: DataSubject) -> PersonalDataCounts:
    async with ledger() as container:
        found: PersonalDataCounts = await container.erase_personal_data().look(person, SYSTEM)
        return found


async def _forget(person: DataSubject) -> PersonalDataCounts:
    async with ledger() as container:
        erased: PersonalDataCounts = await container.erase_personal_data()(person, SYSTEM)
        return erased


def _told(found: PersonalDataCounts) -> str:
    return (
        f"{found.sessions} sessions, {found.calls} calls, {found.events} webhook events and "
        f"{found.answers} repeatable answers"
    )
