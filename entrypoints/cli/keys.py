"""``backend keys …``: who may use the HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeVar

import typer

from domain.access.access import SYSTEM, WORK, Scope
from domain.access.api_key import ApiKey, parse_scopes
from domain.access.manage_keys import CreateKeyCommand, MadeKey, ManageKeys
from entrypoints.cli.output import printable, show
from entrypoints.cli.process import ledger
from entrypoints.presenters.times import rfc3339, rfc3339_or_none

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list, replace and revoke API keys. Once there is one, the API needs one.",
)

_HEADER: Final = ("key", "name", "tenant", "scopes", "created", "last used", "expires", "state")

Prefix = Annotated[str, typer.Argument(metavar="KEY", help="As `keys list` shows it.")]
Lasts = Annotated[
    float | None, typer.Option("--days", min=0.001, max=36500, help="How long it works.")
]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What you will know it by.")],
    tenant: Annotated[
        str | None, typer.Option(help="Whose key it is: keys of one tenant see the same.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="One of " + ", ".join(Scope) + "; may be repeated."),
    ] = None,
    days: Lasts = None,
) -> None:
    """Make a key and print it, this once only: the ledger keeps a hash of it.

    Without --scope it has sessions:write, calls:read and calls:write. Without --tenant it is a
    tenant of its own. An admin key sees every tenant's sessions and calls.
    """
    scopes = parse_scopes(scope) if scope else WORK
    command = CreateKeyCommand(name=name, tenant=tenant, scopes=scopes, lasts=_lasts(days))
    _tell(_with_keys(lambda keys: keys.create(command, SYSTEM)))


@app.command("list")
def list_keys() -> None:
    """List the keys, the newest first; those in API_KEYS are not among them."""
    now, keys = asyncio.run(_all())
    show(_HEADER, (_row(key, now) for key in keys))


@app.command("rotate")
def rotate(
    key: Prefix,
    grace_hours: Annotated[
        float, typer.Option(min=0.0, max=8760, help="How long the old one still works.")
    ] = 24.0,
    days: Lasts = None,
) -> None:
    """Make a key that replaces another: same tenant, name and scopes; print it, this once only."""
    grace = timedelta(hours=grace_hours)
    _tell(_with_keys(lambda keys: keys.rotate(key, grace, _lasts(days), SYSTEM)))
    typer.echo(f"The old key works for {grace_hours:g} more hours.", err=True)


@app.command("revoke")
def revoke(key: Prefix) -> None:
    """Let a key open nothing any more, within 5 seconds on every process that serves."""
    _with_keys(lambda keys: keys.revoke(key, SYSTEM))
    typer.echo(f"Key {printable(key)} is revoked.")


async def _all() -> tuple[datetime, Sequence[ApiKey]]:
    async with ledger() as container:
        return container.clock().now(), await container.manage_keys().all(SYSTEM)


def _with_keys(use: Callable[[ManageKeys], Awaitable[T]]) -> T:
    async def run() -> T:
        async with ledger() as container:
            return await use(container.manage_keys())

    return asyncio.run(run())


def _tell(made: MadeKey) -> None:
    typer.echo(made.text)
    typer.echo(
        f"This is the only time that key {made.key.prefix} is shown. Send it as "
        "'Authorization: Bearer <key>' or 'X-API-Key: <key>'.",
        err=True,
    )


def _lasts(days: float | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _row(key: ApiKey, now: datetime) -> Sequence[object]:
    return (
        key.prefix,
        key.name,
        key.tenant,
        ",".join(sorted(key.scopes)),
        rfc3339(key.created_at),
        rfc3339_or_none(key.last_used_at),
        rfc3339_or_none(key.expires_at),
        "works" if key.is_usable(now) else "revoked" if key.revoked_at else "expired",
    )
