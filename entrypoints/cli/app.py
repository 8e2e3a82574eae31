"""The commands."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

import typer

from application.settings import Storage
from entrypoints.cli import calls, inbox, keys, sessions
from entrypoints.cli.data import backup, forget, restore
from entrypoints.cli.phone import simulate_call
from entrypoints.cli.process import LEDGER_VARIABLES, stop_signal
from entrypoints.cli.run import run
from entrypoints.container import Container
from entrypoints.dev.livekit import DEV_KEY, DEV_SECRET
from entrypoints.settings import load_settings
from entrypoints.version import VERSION

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="backend-livekit from the command line.",
)
app.add_typer(calls.app, name="calls")
app.add_typer(inbox.app, name="inbox")
app.add_typer(keys.app, name="keys")
app.add_typer(sessions.app, name="sessions")
app.command()(simulate_call)
app.command()(forget)
app.command()(backup)
app.command()(restore)


def main() -> None:
    """Run a command; 2 if the command line or the configuration is wrong."""
    # What is not UTF-8 is in no database and no message.
    sys.exit(
        run(app, [os.fsencode(argument).decode(errors="replace") for argument in sys.argv[1:]])
    )


@app.command("version")
def show_version() -> None:
    """Print the version."""
    typer.echo(VERSION)


@app.command()
def migrate() -> None:
    """Bring the database that DATABASE_URL names to this version's schema."""
    settings = load_settings(only=LEDGER_VARIABLES)
    if settings.storage is Storage.MEMORY:
        typer.echo("DATABASE_URL is memory://, which has no schema.")
        return
    version = asyncio.run(Container(settings=settings).migrate())
    typer.echo(f"The database has schema {version}, with which this version works.")


@app.command()
def simulator(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where it listens, on 127.0.0.1; 0: a free one.")
    ] = 7880,
    api_key: Annotated[str, typer.Option(help="The key it accepts.")] = DEV_KEY,
    api_secret: Annotated[str, typer.Option(help="The secret it accepts.")] = DEV_SECRET,
    webhook_url: Annotated[
        list[str] | None, typer.Option(help="Where it sends webhooks; may be repeated.")
    ] = None,
    worker: Annotated[
        list[str] | None,
        typer.Option(help="An agent name whose agents join at once; may be repeated."),
    ] = None,
) -> None:
    """Run the LiveKit simulator: rooms and dispatches over the real API, without audio.

    GET /simulator/state shows what is there; POST /simulator/faults orders failures.
    """
    asyncio.run(
        _simulate(
            Container.simulator(
                api_key,
                api_secret,
                port=port,
                webhook_urls=webhook_url or (),
                workers=dict.fromkeys(worker or (), 0),
            )
        )
    )


async def _simulate(livekit: AbstractAsyncContextManager[Any]) -> None:
    stop = stop_signal()
    async with livekit as running:
        typer.echo(f"The LiveKit simulator serves {running.url}; Ctrl-C stops it.")
        await stop.wait()
