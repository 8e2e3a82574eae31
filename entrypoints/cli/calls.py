"""``backend calls …``: the ledger's phone calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
import typer

from domain.access.access import SYSTEM
from domain.calls.call import Call, CallStatus, Precision
from domain.calls.read_calls import ReadCalls
from domain.calls.repository import CallFilter
from domain.rooms.sip_leg import Direction
from domain.shared.identifiers import RoomName
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from domain.shared.prefix import Prefix
from entrypoints.cli.follower import Follower
from entrypoints.cli.output import printable, show
from entrypoints.cli.participants import read_participants, show_participants
from entrypoints.cli.process import ledger, stop_signal, stopped_within
from entrypoints.cli.records import find, json_of, show_page, timeline_fields
from entrypoints.http.requests import query
from entrypoints.presenters.calls import CallResponse, call_response

app = typer.Typer(no_args_is_help=True, help="Read the phone calls in the ledger.")

POLL_SECONDS: Final = 1.0
_HEADER: Final = ("call", "created", "status", "direction", "from", "to", "seconds", "room")

AsJson = Annotated[bool, typer.Option("--json", help="JSON, as the HTTP API shows calls.")]


@app.command("list")
def list_calls(  # noqa: PLR0913 - each filter is an option
    *,
    status: Annotated[CallStatus | None, typer.Option(help="Calls of this status.")] = None,
    direction: Annotated[Direction | None, typer.Option(help="Calls of this direction.")] = None,
    from_number: Annotated[
        str | None, typer.Option("--from", help="Who called, as shown: +15105550100.")
    ] = None,
    to_number: Annotated[str | None, typer.Option("--to", help="Who was called.")] = None,
    room: Annotated[str | None, typer.Option(help="Calls in rooms of this name.")] = None,
    q: Annotated[
        str | None,
        typer.Option(help="Calls of which a number, the room, the identity or an id begins so."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Created then or later, as in 2026-11-23T06:27:37Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Created before then.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MAX_LIMIT, help="How many calls at most.")
    ] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List calls, the newest first. All filters must apply.

    A table on a terminal; in a pipe one call a line, its columns separated by tabs.
    """
    wanted = CallFilter(
        status=status,
        direction=direction,
        from_number=query.number(from_number, "from"),
        to_number=query.number(to_number, "to"),
        room_name=query.name(RoomName, room),
        prefix=Prefix.parse(q),
        created=query.span(since, until),
    )
    page = asyncio.run(_page(wanted, limit))
    show_page(page, _HEADER, _row, _json if as_json else None)


@app.command("show")
def show_call(
    call: Annotated[str, typer.Argument(help="The call's id, or its room's name.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show a call, or the newest call of a room, with its timeline."""
    found = asyncio.run(_find(call))
    if as_json:
        typer.echo(_json(found))
    else:
        show(("field", "value"), _fields(found))


@app.command("participants")
def list_participants(
    call: Annotated[str, typer.Argument(help="The call's id, or its room's name.")],
    *,
    as_json: AsJson = False,
) -> None:
    """List who is and was in a call's room, the newest first. LiveKit is asked if it lives."""
    show_participants(asyncio.run(read_participants("call", call)), as_json=as_json)


@app.command("tail")
def tail_calls(*, as_json: AsJson = False) -> None:
    """Print the calls that live now, then each that comes or changes status, until Ctrl-C.

    The ledger is read each second: a call may have passed through several statuses meanwhile.
    """
    asyncio.run(_tail(as_json=as_json))


async def _page(wanted: CallFilter, limit: int) -> Page[Call]:
    async with ledger() as container:
        read_calls: ReadCalls = container.read_calls()
        return await read_calls.page(wanted, SYSTEM, limit=limit)


async def _find(wanted: str) -> Call:
    async with ledger() as container:
        return await find(container.read_calls(), wanted, "call")


async def _tail(*, as_json: bool) -> None:
    async with ledger() as container:
        stop = stop_signal()
        follower = Follower(container.read_calls())
        news = [call for call in await follower.look() if call.is_live]
        typer.echo("Following the ledger's calls; Ctrl-C stops.", err=True)
        while True:
            for call in news:
                typer.echo(_json(call) if as_json else "\t".join(map(printable, _row(call))))
            if await stopped_within(stop, POLL_SECONDS):
                return
            news = await follower.look()


def _json(call: Call) -> str:
    return json_of(call_response(call))


def _row(call: Call) -> Sequence[object]:
    shown = call_response(call)
    return (
        shown.call_id,
        shown.created_at,
        shown.status,
        shown.direction,
        shown.from_number,
        shown.to_number,
        _seconds(shown),
        shown.room_name,
    )


def _seconds(shown: CallResponse) -> str | None:
    """Return the duration and its precision: 12.5, >=12.5 or <=12.5; ? if it is not known."""
    if shown.duration_is is Precision.UNKNOWN:
        return "?"
    if shown.duration_seconds is None:
        return None
    match shown.duration_is:
        case Precision.AT_LEAST:
            return f">={shown.duration_seconds}"
        case Precision.AT_MOST:
            return f"<={shown.duration_seconds}"
    return f"{shown.duration_seconds}"


def _fields(call: Call) -> list[tuple[str, object]]:
    """Every field by its name in the HTTP API; each entry of the timeline is one."""
    fields = msgspec.to_builtins(call_response(call))
    timeline = fields.pop("timeline")
    return [*fields.items(), *timeline_fields(timeline)]
