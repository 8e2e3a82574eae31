"""The commands, one file for each capability."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from entrypoints.cli import (
    agents,
    calls,
    data,
    events,
    inbox,
    keys,
    listen,
    numbers,
    privacy,
    publishable_keys,
    recordings,
    sessions,
    simulator,
    statistics,
    telephony,
    tickets,
    transcripts,
    usage,
    webhooks,
)
from entrypoints.cli.run import run
from entrypoints.version import VERSION


def show_version() -> None:
    """Print the version; `--version` is the same."""
    typer.echo(VERSION)


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="backend-livekit from the command line.",
)


def _print_version(value: bool) -> None:  # noqa: FBT001 - typer passes it so
    if value:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def backend(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Hold the options that belong to no command."""


def serve() -> None:
    """Start the service and run it until SIGINT or SIGTERM.

    The environment and `.env` configure it. Exit code 2: the configuration is wrong; 1: the service
    cannot start.
    """
    from entrypoints.http.__main__ import main as run_service  # noqa: PLC0415 - the server's own

    raise typer.Exit(run_service())


app.add_typer(agents.app, name="agents")
app.add_typer(calls.app, name="calls")
app.add_typer(events.app, name="events")
app.add_typer(inbox.app, name="inbox")
app.add_typer(keys.app, name="keys")
app.add_typer(numbers.app, name="numbers")
app.add_typer(publishable_keys.app, name="publishable-keys")
app.add_typer(recordings.app, name="recordings")
app.add_typer(sessions.app, name="sessions")
app.add_typer(telephony.app, name="telephony")
app.add_typer(tickets.app, name="tickets")
app.add_typer(transcripts.app, name="transcripts")
app.add_typer(webhooks.app, name="webhooks")
app.command()(listen.listen)
app.command()(simulator.simulate_call)
app.command()(privacy.forget)
app.command()(statistics.statistics)
app.command()(usage.usage)
app.command()(data.backup)
app.command()(data.restore)
app.command("version")(show_version)
app.command()(serve)
app.command()(data.migrate)
app.command("simulator")(simulator.run_simulator)


def main() -> None:
    """Run a command; 2 if the command line or the configuration is wrong."""
    # What is not UTF-8 is in no database and no message.
    arguments = [os.fsencode(argument).decode(errors="replace") for argument in sys.argv[1:]]
    sys.exit(run(app, arguments))
