"""``backend publishable-keys …``: keys that web pages show to everyone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final, TypeVar

import typer

from domain.access.access import SYSTEM, Access
from domain.access.manage_publishable_keys import (
    MOST_PER_MINUTE,
    CreatePublishableKeyCommand,
    ManagePublishableKeys,
)
from domain.access.publishable_key import PublishableKey
from entrypoints.cli.output import printable, show
from entrypoints.cli.process import ledger
from entrypoints.presenters.times import rfc3339

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and delete keys for web pages, which open POST /livekit/token and no more.",
)

_HEADER: Final = ("id", "key", "tenant", "agent", "origins", "a minute", "created")
_AGENTS: Final = ("AGENT_NAME", "TOKEN_AGENT_NAMES")


@app.command("create")
def create(
    origins: Annotated[
        list[str], typer.Argument(help="Origins of the pages, such as https://app.example.com.")
    ],
    tenant: Annotated[str | None, typer.Option(help="Whose sessions the key starts.")] = None,
    agent: Annotated[
        str | None, typer.Option(help="AGENT_NAME if not given, or one of TOKEN_AGENT_NAMES.")
    ] = None,
    agent_id: Annotated[
        str | None,
        typer.Option(help="A saved agent of the tenant instead: its id, or id@version."),
    ] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PER_MINUTE, help="Tokens in a minute; 60 if not given."),
    ] = None,
) -> None:
    """Make a key and print it, this once only: the ledger keeps a hash of it."""
    command = CreatePublishableKeyCommand(
        allowed_origins=origins,
        agent_name=agent,
        agent_id=agent_id,
        requests_per_minute=per_minute,
        access=Access(tenant=tenant),
    )
    made = _with_keys(lambda keys: keys.create(command))
    typer.echo(made.text)
    typer.echo(
        f"This is the only time that key {made.key.prefix} is shown. Pages send it as "
        "'Authorization: Bearer <key>'.",
        err=True,
    )


@app.command("list")
def list_keys() -> None:
    """List the keys of every tenant, the newest first."""
    show(_HEADER, map(_row, _with_keys(lambda keys: keys.all(SYSTEM))))


@app.command("delete")
def delete(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
) -> None:
    """Delete a key: it opens nothing within 5 seconds."""
    _with_keys(lambda keys: keys.delete(key_id, SYSTEM))
    typer.echo(f"Publishable key {printable(key_id)} is deleted.")


def _with_keys(use: Callable[[ManagePublishableKeys], Awaitable[T]]) -> T:
    async def run() -> T:
        async with ledger(*_AGENTS) as container:
            return await use(container.manage_publishable_keys())

    return asyncio.run(run())


def _row(key: PublishableKey) -> Sequence[object]:
    return (
        key.id,
        key.prefix,
        key.tenant,
        key.agent_name or key.agent_id,
        " ".join(key.allowed_origins),
        key.requests_per_minute,
        rfc3339(key.created_at),
    )
