"""``backend events …``: domain events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from domain.access.access import SYSTEM
from domain.events.domain_event import EventKind, StoredEvent
from domain.events.event_filter import EventFilter
from entrypoints.cli.output import printable
from entrypoints.cli.process import ledger, stop_signal, stopped_within
from entrypoints.presenters.events import event_body
from entrypoints.presenters.times import rfc3339

app = typer.Typer(no_args_is_help=True, help="Follow the domain events in the ledger.")

POLL_SECONDS: Final = 0.2
_PAGE: Final = 500


@app.command("tail")
def tail_events(
    *,
    kinds: Annotated[
        list[EventKind] | None, typer.Option("--type", help="Events of this type; repeatable.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="Events of the session with this id.")] = None,
    call: Annotated[str | None, typer.Option(help="Events of the call with this id.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON, as webhooks and the stream have it.")
    ] = False,
) -> None:
    """Print events as they come, until Ctrl-C."""
    wanted = EventFilter.parse(SYSTEM, [*(kinds or ())], session, call)
    asyncio.run(_tail(wanted, as_json=as_json))


async def _tail(wanted: EventFilter, *, as_json: bool) -> None:
    async with ledger() as container:
        stop, outbox = stop_signal(), container.outbox()
        position = await outbox.last_position()
        typer.echo("Following the ledger's events; Ctrl-C stops.", err=True)
        while True:
            events: Sequence[StoredEvent] = await outbox.after(position, _PAGE)
            for event in filter(wanted.matches, events):
                typer.echo(event_body(event).decode() if as_json else _line(event))
            if events:
                position = events[-1].position
            elif await stopped_within(stop, POLL_SECONDS):
                return


def _line(event: StoredEvent) -> str:
    cells = (
        rfc3339(event.occurred_at),
        event.kind,
        event.sequence,
        event.session_id,
        event.call_id,
        event.source,
        event.id,
    )
    return "\t".join(map(printable, cells))
