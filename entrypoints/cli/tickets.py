"""``backend tickets …``: short-lived tickets for the standard token endpoint."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Final

import typer

from domain.access.access import Access
from domain.rooms.token_options import LONGEST_OF_ALL, TokenRequest
from domain.rooms.token_options import MIN_TTL_SECONDS as MIN_TOKEN_TTL_SECONDS
from domain.tickets.create_ticket import (
    MAX_SESSIONS,
    MAX_TTL_SECONDS,
    MIN_TTL_SECONDS,
    CreateTicketCommand,
    MadeTicket,
)
from entrypoints.cli.process import ledger
from entrypoints.presenters.times import rfc3339

app = typer.Typer(
    no_args_is_help=True,
    help="Make tickets with which a browser fetches tokens from POST /livekit/token.",
)

_VARIABLES: Final = (
    "AGENT_NAME",
    "IDENTITY_CHARSET",
    "LIVEKIT_API_KEY",
    "LIVEKIT_API_SECRET",
    "LIVEKIT_URL",
    "MAX_TOKEN_TTL_SECONDS",
    "STORE_AGENT_CONFIG",
    "TELEPHONY_SIP_IDENTITY_PREFIX",
    "TOKEN_AGENT_NAMES",
)


@app.callback()
def tickets() -> None:
    """Hold the options that belong to no command."""


User = Annotated[str | None, typer.Option(help="The user's identity; a new one if not given.")]
Room = Annotated[
    str | None, typer.Option(help="The room to join; a new one for each session if not given.")
]
AgentName = Annotated[
    str | None, typer.Option(help="AGENT_NAME if not given, or one of TOKEN_AGENT_NAMES.")
]
SavedAgent = Annotated[
    str | None, typer.Option(help="A saved agent instead: its id, or id@version.")
]
Variables = Annotated[
    list[str] | None,
    typer.Option(
        "--variable", metavar="NAME=VALUE", help="A variable of the saved agent; repeatable."
    ),
]
Config = Annotated[
    str | None, typer.Option(metavar="JSON", help="The agent's configuration, or its changes.")
]
TokenTtl = Annotated[
    int | None,
    typer.Option(
        min=MIN_TOKEN_TTL_SECONDS,
        max=int(LONGEST_OF_ALL.total_seconds()),
        help="Seconds to join within, up to MAX_TOKEN_TTL_SECONDS; 600 if not given.",
    ),
]
Ttl = Annotated[
    int | None,
    typer.Option(
        min=MIN_TTL_SECONDS,
        max=MAX_TTL_SECONDS,
        help="Seconds that the ticket is valid for; 60 if not given.",
    ),
]
Sessions = Annotated[
    int | None,
    typer.Option(min=1, max=MAX_SESSIONS, help="Sessions that it may begin; 1 if not given."),
]


@app.command("create")
def create(  # noqa: PLR0913 - each thing that a ticket may fix is an option
    *,
    user: User = None,
    room: Room = None,
    agent: AgentName = None,
    agent_id: SavedAgent = None,
    variables: Variables = None,
    agent_config: Config = None,
    name: Annotated[str | None, typer.Option(help="The name that the room shows.")] = None,
    token_ttl: TokenTtl = None,
    ttl: Ttl = None,
    sessions: Sessions = None,
    tenant: Annotated[str | None, typer.Option(help="Whose sessions the ticket begins.")] = None,
) -> None:
    """Make a ticket and print it."""
    command = CreateTicketCommand(
        user_identity=user,
        room_name=room,
        agent_name=agent,
        agent=agent_id,
        variables=dict(map(_pair, variables or ())) or None,
        agent_config=_object(agent_config),
        token=TokenRequest(participant_name=name, token_ttl_seconds=token_ttl),
        ttl_seconds=ttl,
        max_sessions=sessions,
        access=Access(tenant=tenant),
    )
    made = asyncio.run(_made(command))
    typer.echo(made.text)
    typer.echo(
        f"The ticket is valid until {rfc3339(made.ticket.expires_at)}. The browser sends it as "
        "'Authorization: Bearer <ticket>'.",
        err=True,
    )


async def _made(command: CreateTicketCommand) -> MadeTicket:
    async with ledger(*_VARIABLES) as container:
        made: MadeTicket = await container.create_ticket()(command)
        return made


def _pair(given: str) -> tuple[str, str]:
    name, equals, value = given.partition("=")
    if not equals:
        raise typer.BadParameter("must be NAME=VALUE", param_hint="--variable")
    return name, value


def _object(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        found = json.loads(given)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise typer.BadParameter("must be a JSON object", param_hint="--agent-config")
    return found
