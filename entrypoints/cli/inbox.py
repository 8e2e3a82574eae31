"""``backend inbox …``: the webhook events that were stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer

from domain.access.access import SYSTEM
from domain.inbox.entry import InboxEntry, InboxStatus
from domain.inbox.read_entries import ReadEntries
from domain.inbox.replay_entries import ReplayEntries
from domain.shared.pagination import DEFAULT_LIMIT
from entrypoints.cli.output import printable, show
from entrypoints.cli.process import ledger
from entrypoints.presenters.times import rfc3339

app = typer.Typer(no_args_is_help=True, help="Read the inbox of webhook events; replay events.")

MOST: Final = 10_000
_HEADER: Final = (
    "event", "kind", "room", "received", "next attempt", "failures", "outages", "last error",
)  # fmt: skip


@app.command("list")
def list_events(
    status: Annotated[InboxStatus, typer.Option(help="Which events.")] = InboxStatus.DEAD,
    room: Annotated[str | None, typer.Option(help="Events of rooms of this name.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MOST, help="How many events at most.")
    ] = DEFAULT_LIMIT,
) -> None:
    """Count the events, and list the newest: the dead letters unless --status says otherwise.

    A dead letter is an event that failed ten times while LiveKit and the database answered, or
    that waited for an outage of one of them for a day. The last error of a pending event says why
    it waits.
    """
    counts, entries = asyncio.run(_list(status, room, limit))
    typer.echo(", ".join(f"{number} {kind}" for kind, number in counts.items()))
    show(_HEADER, map(_row, entries))


@app.command("replay")
def replay_events(
    event_ids: Annotated[
        list[str] | None, typer.Argument(metavar="EVENT_ID...", help="As `inbox list` shows.")
    ] = None,
    *,
    dead: Annotated[bool, typer.Option("--dead", help="All dead letters.")] = False,
) -> None:
    """Have events handled again, by the service, as if they had just come in.

    What is known already is not changed by hearing of it again.
    """
    if bool(event_ids) == dead:
        raise typer.BadParameter("Name the events to replay, or say --dead.")
    replayed = asyncio.run(_replay(event_ids or []))
    for entry in replayed:
        typer.echo(f"{printable(entry.event.id)} is pending again.")
    if not replayed:
        typer.echo("There is nothing to replay.")


async def _list(
    status: InboxStatus, room: str | None, limit: int
) -> tuple[Mapping[InboxStatus, int], list[InboxEntry]]:
    async with ledger() as container:
        read_entries: ReadEntries = container.read_entries()
        counts = await read_entries.counts(SYSTEM)
        return counts, await read_entries.newest(status, limit, SYSTEM, room or None)


async def _replay(event_ids: Sequence[str]) -> list[InboxEntry]:
    async with ledger() as container:
        replay: ReplayEntries = container.replay_events()
        if event_ids:
            return await replay(event_ids, SYSTEM)
        replayed: list[InboxEntry] = []
        while batch := await replay.dead(SYSTEM):
            replayed += batch
        return replayed


def _row(entry: InboxEntry) -> Sequence[object]:
    event = entry.event
    return (
        event.id,
        event.kind,
        event.room_name,
        rfc3339(entry.received_at),
        rfc3339(entry.due_at) if entry.status is InboxStatus.PENDING else None,
        entry.failures,
        entry.outages,
        entry.last_error,
    )
