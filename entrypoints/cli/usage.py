"""``backend usage``: what a session has used."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from domain.access.access import SYSTEM
from domain.usage.read_usage import ReadUsage
from entrypoints.cli.output import show
from entrypoints.cli.process import ledger
from entrypoints.cli.records import find, json_of
from entrypoints.presenters.usage import UsageResponse, usage_response


def usage(
    session: Annotated[str, typer.Argument(help="The session's id, or its room's name.")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON, as the HTTP API shows usage.")
    ] = False,
) -> None:
    """Show what a session has used of each model, and its cost by PRICES_FILE.

    A line for each counter that is not 0, and each field of the cost.
    """
    shown = asyncio.run(_usage(session))
    if as_json:
        typer.echo(json_of(shown))
    else:
        show(("type", "provider", "model", "field", "value"), _rows(shown))


async def _usage(session: str) -> UsageResponse:
    async with ledger("PRICES_FILE") as container:
        found = await find(container.read_sessions(), session, "session")
        read_usage: ReadUsage = container.read_usage()
        return usage_response(await read_usage.by_session(str(found.id), SYSTEM))


def _rows(shown: UsageResponse) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for model in shown.models:
        counters = msgspec.to_builtins(model)
        key = [counters.pop(name) for name in ("type", "provider", "model")]
        counters |= counters.pop("others")
        rows += [(*key, name, value) for name, value in counters.items() if value]
    if shown.cost is not None:
        cost = msgspec.to_builtins(shown.cost)
        cost["unpriced"] = ", ".join(cost["unpriced"])
        rows += [("cost", "", "", name, value) for name, value in cost.items()]
    return rows
