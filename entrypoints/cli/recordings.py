"""``backend recordings …``: recordings of sessions, and their store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Final

import msgspec
import typer

from domain.access.access import SYSTEM
from domain.recordings.link import DEFAULT_TTL_SECONDS, MAX_TTL_SECONDS, MIN_TTL_SECONDS, Link
from domain.recordings.recording import Recording
from domain.recordings.store import RecordingStore
from domain.shared.pagination import DEFAULT_LIMIT, MAX_LIMIT
from domain.shared.recording_errors import RecordingsDisabled, RecordingStoreUnavailable
from entrypoints.cli.output import show
from entrypoints.cli.process import ledger
from entrypoints.cli.records import json_of
from entrypoints.container import Container
from entrypoints.presenters.recordings import recording_response
from entrypoints.presenters.times import rfc3339
from entrypoints.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Read, link and delete recordings.")

STORE_VARIABLES: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "RECORDINGS_URL",
)
"""All that a command needs that reaches the store."""

_HEADER: Final = ("recording", "created", "source", "status", "seconds", "bytes", "session", "call")

AsJson = Annotated[bool, typer.Option("--json", help="JSON, as the HTTP API shows recordings.")]
RecordingArgument = Annotated[str, typer.Argument(help="The recording's id.")]


@app.command("list")
def list_recordings(
    *,
    session: Annotated[str | None, typer.Option(help="Recordings of this session.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MAX_LIMIT, help="How many recordings at most.")
    ] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List recordings, the newest first."""
    found = asyncio.run(_list(session, limit))
    if as_json:
        for recording in found:
            typer.echo(json_of(recording_response(recording)))
    else:
        show(_HEADER, map(_row, found))


@app.command("show")
def show_recording(recording: RecordingArgument, *, as_json: AsJson = False) -> None:
    """Show what is known of a recording."""
    shown = recording_response(asyncio.run(_find(recording)))
    if as_json:
        typer.echo(json_of(shown))
    else:
        show(("field", "value"), list(msgspec.to_builtins(shown).items()))


@app.command("link")
def make_link(
    recording: RecordingArgument,
    *,
    base_url: Annotated[
        str, typer.Option(help="The address of the service; the path alone if not given.")
    ] = "",
    ttl: Annotated[
        int,
        typer.Option(min=MIN_TTL_SECONDS, max=MAX_TTL_SECONDS, help="Seconds that it is valid."),
    ] = DEFAULT_TTL_SECONDS,
) -> None:
    """Make a link that plays a recording without a key."""
    link = asyncio.run(_link(recording, ttl))
    typer.echo(f"{base_url.rstrip('/')}{link.path}")
    typer.echo(f"The link is valid until {rfc3339(link.expires_at)}.", err=True)


@app.command("delete")
def delete_recording(
    recording: RecordingArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """Erase a recording and its audio. Nothing brings it back."""
    found = asyncio.run(_find(recording))
    if not yes and not typer.confirm(f"Erase recording {found.id}?"):
        raise typer.Exit(1)
    asyncio.run(_delete(str(found.id)))
    typer.echo(f"Erased recording {found.id}.")


@app.command("confirm")
def confirm_ledger() -> None:
    """Take this ledger for the one whose recordings the store has, after it was restored.

    Objects that no recording has are deleted from the store a day later.
    """
    asyncio.run(_confirm())
    typer.echo("The store is swept again; what has no recording is deleted after a day.")


@app.command("check")
def check_store() -> None:
    """Check whether RECORDINGS_URL can be used. Exit code 2: it can not."""
    settings = load_settings(only=STORE_VARIABLES)
    store: RecordingStore | None = Container(settings=settings).recording_store()
    if store is None:
        typer.echo("RECORDINGS_URL is not set: nothing is recorded.")
        return
    try:
        asyncio.run(store.check())
    except RecordingStoreUnavailable as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    typer.echo("Recordings can be stored.")


@asynccontextmanager
async def _opened(*others: str) -> AsyncIterator[Container]:
    """Yield a container on the ledger and the store; it does not reach LiveKit."""
    async with ledger(*STORE_VARIABLES, *others) as container:
        container.egresses.override(None)
        yield container


async def _list(session: str | None, limit: int) -> Sequence[Recording]:
    async with ledger() as container:
        read = container.read_recordings()
        found: Sequence[Recording]
        if session is not None:
            found = (await read.of_session(session, SYSTEM))[:limit]
        else:
            found = await read.page(None, limit, SYSTEM)
        return found


async def _find(recording: str) -> Recording:
    async with ledger() as container:
        found: Recording = await container.read_recordings().by_id(recording, SYSTEM)
        return found


async def _link(recording: str, ttl: int) -> Link:
    async with ledger("LIVEKIT_API_SECRET") as container:
        found = await container.read_recordings().by_id(recording, SYSTEM)
        link: Link = container.make_link().to(found.id, ttl)
        return link


async def _delete(recording: str) -> None:
    async with _opened() as container:
        await container.erase_recordings().one(recording, SYSTEM)


async def _confirm() -> None:
    async with _opened() as container:
        if container.recording_store() is None:
            raise RecordingsDisabled("RECORDINGS_URL is not set.")
        await container.sweep_store().confirm()


def _row(recording: Recording) -> Sequence[object]:
    shown = recording_response(recording)
    return (
        shown.recording_id,
        shown.created_at,
        shown.source,
        shown.status,
        shown.duration_seconds,
        shown.size_bytes,
        shown.session_id,
        shown.call_id,
    )
