"""The commands, one file for each capability."""

from __future__ import annotations

import os
import sys

import typer

from entrypoints.cli import calls, data, inbox, keys, privacy, simulator
from entrypoints.cli.run import run
from entrypoints.version import VERSION


def show_version() -> None:
    """Print the version."""
    typer.echo(VERSION)


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="backend-livekit from the command line.",
)
app.add_typer(calls.app, name="calls")
app.add_typer(inbox.app, name="inbox")
app.add_typer(keys.app, name="keys")
app.command()(simulator.simulate_call)
app.command()(privacy.forget)
app.command()(data.backup)
app.command()(data.restore)
app.command("version")(show_version)
app.command()(data.migrate)
app.command("simulator")(simulator.run_simulator)


def main() -> None:
    """Run a command; 2 if the command line or the configuration is wrong."""
    # What is not UTF-8 is in no database and no message.
    sys.exit(
        run(app, [os.fsencode(argument).decode(errors="replace") for argument in sys.argv[1:]])
    )
