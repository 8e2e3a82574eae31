"""``backend forget``: the erasure of a person's data."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from domain.access.access import SYSTEM
from domain.privacy.data_subject import DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from entrypoints.cli.process import ledger
from entrypoints.cli.recordings import STORE_VARIABLES
from entrypoints.container import Container


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


async def _mentions(person: DataSubject) -> PersonalDataCounts:
    async with ledger() as container:
        found: PersonalDataCounts = await container.erase_personal_data().look(person, SYSTEM)
        return found


async def _forget(person: DataSubject) -> PersonalDataCounts:
    async with ledger(*STORE_VARIABLES) as container:
        erased: PersonalDataCounts = await container.erase_personal_data()(person, SYSTEM)
        if erased.recordings:
            container.egresses.override(None)
            await container.erase_recordings().finish()
        return erased


def _told(found: PersonalDataCounts) -> str:
    return (
        f"{found.sessions} sessions, {found.calls} calls, {found.events} webhook events, "
        f"{found.answers} repeatable answers, {found.tickets} tickets, "
        f"{found.domain_events} domain events, {found.transcript_items} items of transcripts, "
        f"{found.recordings} recordings and {found.reports} reports"
    )
