"""``backend sessions …``: the ledger's sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
import typer

from domain.access.access import SYSTEM
from domain.rooms.token_options import LONGEST_OF_ALL, MIN_TTL_SECONDS, TokenRequest
from domain.sessions.read_sessions import ReadSessions
from domain.sessions.renew_token import RenewToken, RenewTokenCommand
from domain.sessions.repository import SessionFilter
from domain.sessions.session import Session
from domain.sessions.session_status import SessionStatus
from domain.shared.identifiers import Identity, RoomName
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT, Page
from domain.shared.prefix import Prefix
from entrypoints.cli.output import show
from entrypoints.cli.participants import read_participants, show_participants
from entrypoints.cli.process import ledger
from entrypoints.cli.records import find, json_of, show_page, timeline_fields
from entrypoints.http.requests import query
from entrypoints.presenters.sessions import session_response

app = typer.Typer(no_args_is_help=True, help="Read the sessions in the ledger, and renew a token.")

_HEADER: Final = ("session", "created", "status", "identity", "agent", "ended", "room")

_SIGNING: Final = (
    "LIVEKIT_API_KEY",
    "LIVEKIT_API_SECRET",
    "MAX_TOKEN_TTL_SECONDS",
    "TELEPHONY_SIP_IDENTITY_PREFIX",
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, as the HTTP API shows sessions.")]


@app.command("list")
def list_sessions(  # noqa: PLR0913 - each filter is an option
    *,
    status: Annotated[SessionStatus | None, typer.Option(help="Sessions of this status.")] = None,
    identity: Annotated[
        str | None, typer.Option(help="Sessions that this user identity started.")
    ] = None,
    room: Annotated[str | None, typer.Option(help="Sessions in rooms of this name.")] = None,
    q: Annotated[
        str | None,
        typer.Option(help="Sessions whose room, room sid, user identity or id begins so."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Created then or later, as in 2026-11-23T06:27:37Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Created before then.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MAX_LIMIT, help="How many sessions at most.")
    ] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List sessions of every tenant, the newest first. All filters must apply.

    A table on a terminal; in a pipe one session a line, its columns separated by tabs.
    """
    wanted = SessionFilter(
        status=status,
        identity=query.name(Identity, identity),
        room_name=query.name(RoomName, room),
        prefix=Prefix.parse(q),
        created=query.span(since, until),
    )
    page = asyncio.run(_page(wanted, limit))
    show_page(page, _HEADER, _row, _json if as_json else None)


@app.command("show")
def show_session(
    session: Annotated[str, typer.Argument(help="The session's id, or its room's name.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show a session, or the newest session of a room, with its timeline."""
    found = asyncio.run(_find(session))
    if as_json:
        typer.echo(_json(found))
    else:
        show(("field", "value"), _fields(found))


@app.command("participants")
def list_participants(
    session: Annotated[str, typer.Argument(help="The session's id, or its room's name.")],
    *,
    as_json: AsJson = False,
) -> None:
    """List who is and was in a session's room, the newest first. LiveKit is asked if it lives."""
    show_participants(asyncio.run(read_participants("session", session)), as_json=as_json)


@app.command("token")
def renew_token(
    session: Annotated[str, typer.Argument(help="The session's id, or its room's name.")],
    *,
    ttl: Annotated[
        int | None,
        typer.Option(
            min=MIN_TTL_SECONDS,
            max=int(LONGEST_OF_ALL.total_seconds()),
            help="Seconds to join within, up to MAX_TOKEN_TTL_SECONDS; 600 if not given.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The name that the room shows.")] = None,
) -> None:
    """Print a new token for the user of a live session, signed with LIVEKIT_API_KEY's secret.

    A client that has it can join the room. It makes no room and dispatches no agent.
    """
    wanted = TokenRequest(participant_name=name, token_ttl_seconds=ttl)
    typer.echo(asyncio.run(_token(session, wanted)))


async def _token(session: str, wanted: TokenRequest) -> str:
    async with ledger(*_SIGNING) as container:
        found = await find(container.read_sessions(), session, "session")
        renew: RenewToken = container.renew_token()
        command = RenewTokenCommand(session_id=str(found.id), access=SYSTEM, token=wanted)
        return (await renew(command)).token


async def _page(wanted: SessionFilter, limit: int) -> Page[Session]:
    async with ledger() as container:
        read_sessions: ReadSessions = container.read_sessions()
        return await read_sessions.page(wanted, SYSTEM, limit=limit)


async def _find(wanted: str) -> Session:
    async with ledger() as container:
        return await find(container.read_sessions(), wanted, "session")


def _json(session: Session) -> str:
    return json_of(session_response(session))


def _row(session: Session) -> Sequence[object]:
    shown = session_response(session)
    return (
        shown.session_id,
        shown.created_at,
        shown.status,
        shown.user_identity,
        shown.agent_dispatched,
        shown.ended_at,
        shown.room_name,
    )


def _fields(session: Session) -> list[tuple[str, object]]:
    """Return every field by its name in the HTTP API.

    Each key of ``agentConfig`` and each entry of ``timeline`` has a line of its own.
    """
    fields = msgspec.to_builtins(session_response(session))
    timeline = fields.pop("timeline")
    config = fields.pop("agentConfig")
    return [
        *fields.items(),
        *((f"agentConfig.{key}", _text(value)) for key, value in config.items()),
        *timeline_fields(timeline),
    ]


def _text(value: Any) -> object:
    """Return a value of the caller's own, of whatever type, as text."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return msgspec.json.encode(value).decode()
