"""``backend events …``: domain events as they come, from the ledger or a service's stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from domain.access.access import SYSTEM
from domain.events.domain_event import EventKind, StoredEvent
from domain.events.event_filter import EventFilter
from entrypoints.cli.output import printable
from entrypoints.cli.process import ledger, stop_signal, stopped_within
from entrypoints.presenters.events import EventResponse, event_body, event_response

if TYPE_CHECKING:
    from entrypoints.cli.followed_stream import FollowedStream

app = typer.Typer(no_args_is_help=True, help="Follow the domain events in the ledger.")

POLL_SECONDS: Final = 0.2
_PAGE: Final = 500


@app.command("tail")
def tail_events(  # noqa: PLR0913 - options
    *,
    kinds: Annotated[
        list[EventKind] | None,
        typer.Option(
            "--type", metavar="TYPE", help="Of this type, such as call.ended; repeatable."
        ),
    ] = None,
    session: Annotated[str | None, typer.Option(help="Events of the session with this id.")] = None,
    call: Annotated[str | None, typer.Option(help="Events of the call with this id.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON, as webhooks and the stream have it.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="Of a service, whose GET /events is followed.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(envvar="BACKEND_API_KEY", help="The service's API key.")
    ] = None,
) -> None:
    """Print events as they come, until Ctrl-C: those of the ledger, or of the service at --url.

    A service that restarts is connected to again; nothing is lost, and nothing comes twice.
    """
    wanted = EventFilter.parse(SYSTEM, [*(kinds or ())], session, call)
    if url is None:
        asyncio.run(_tail(wanted, as_json=as_json))
    else:
        # Other commands need no HTTP client, which takes a tenth of a second to import.
        from entrypoints.cli.followed_stream import FollowedStream  # noqa: PLC0415

        asyncio.run(_follow(FollowedStream(url=url, key=key, wanted=wanted), as_json=as_json))


async def _tail(wanted: EventFilter, *, as_json: bool) -> None:
    async with ledger() as container:
        stop, outbox = stop_signal(), container.outbox()
        position = await outbox.last_position()
        typer.echo("Following the ledger's events; Ctrl-C stops.", err=True)
        while True:
            events: Sequence[StoredEvent] = await outbox.after(position, _PAGE)
            for event in filter(wanted.matches, events):
                if as_json:
                    typer.echo(event_body(event).decode())
                else:
                    typer.echo(_line(event_response(event)))
            if events:
                position = events[-1].position
            elif await stopped_within(stop, POLL_SECONDS):
                return


async def _follow(stream: FollowedStream, *, as_json: bool) -> None:
    stop = stop_signal()
    following = asyncio.create_task(_print_all(stream, as_json=as_json))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
    if following.done():
        following.result()
    following.cancel()
    stopping.cancel()


async def _print_all(stream: FollowedStream, *, as_json: bool) -> None:
    async for body in stream.bodies(lambda sentence: typer.echo(sentence, err=True)):
        shown: EventResponse = msgspec.json.decode(body, type=EventResponse)
        typer.echo(body if as_json else _line(shown))


def _line(event: EventResponse) -> str:
    cells = (
        event.occurred_at,
        event.type,
        event.sequence,
        event.session_id,
        event.call_id,
        event.source,
        event.id,
    )
    return "\t".join(map(printable, cells))
