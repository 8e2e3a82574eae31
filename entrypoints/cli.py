"""The command line: ``backend`` (or ``python -m entrypoints.cli``)."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from entrypoints.container import Container
from entrypoints.settings import InvalidSettings, load_settings
from entrypoints.version import VERSION

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="backend-livekit from the command line."
)


def main() -> None:
    """Run a command; 2 if the configuration is wrong."""
    try:
        app()
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(VERSION)


@app.command()
def migrate() -> None:
    """Bring the database that DATABASE_URL names to this version's schema."""
    container = Container(settings=load_settings())
    typer.echo(asyncio.run(container.migrate()))


@app.command()
def simulator(
    port: Annotated[int, typer.Option(help="Where it listens, on 127.0.0.1.")] = 7880,
    api_key: Annotated[str, typer.Option(help="The key it accepts.")] = "devkey",
    api_secret: Annotated[
        str, typer.Option(help="The secret it accepts.")
    ] = "devsecret-for-local-development-only",
    webhook_url: Annotated[
        list[str] | None, typer.Option(help="Where it sends webhooks; may be repeated.")
    ] = None,
) -> None:
    """Run the LiveKit simulator: rooms and dispatches over the real API, without audio."""


if __name__ == "__main__":
    main()
