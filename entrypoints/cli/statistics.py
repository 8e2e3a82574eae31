"""``backend statistics``: counts, rates, percentiles and costs."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from domain.access.access import SYSTEM
from domain.statistics.read_statistics import ReadStatistics
from domain.statistics.statistics import Dimension
from entrypoints.cli.output import show
from entrypoints.cli.process import ledger
from entrypoints.cli.records import json_of
from entrypoints.http.requests import query
from entrypoints.presenters.statistics import (
    StatisticsResponse,
    csv_text,
    statistics_response,
    statistics_rows,
)


def statistics(
    since: Annotated[
        str | None, typer.Option("--from", help="Created then or later: 2026-11-01, or a time.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Created before then.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Of day, minute, agent and tenant, separated by commas.")
    ] = None,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV, as GET /statistics.csv.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, as GET /statistics.")] = False,
) -> None:
    """Add up sessions and calls of every tenant; the last 30 days if no range is given.

    Days are those of UTC; the cost is by PRICES_FILE. A table on a terminal; in a pipe one group a
    line, its columns separated by tabs.
    """
    if as_csv and as_json:
        raise typer.BadParameter("Say --csv or --json.")
    shown = asyncio.run(_statistics(since, until, by))
    if as_csv:
        typer.echo(csv_text(shown), nl=False)
    elif as_json:
        typer.echo(json_of(shown))
    else:
        show(*statistics_rows(shown))


async def _statistics(since: str | None, until: str | None, by: str | None) -> StatisticsResponse:
    dimensions = query.choices(Dimension, by, "by")
    begin, end = query.moment(since, "from"), query.moment(until, "to")
    async with ledger("PRICES_FILE") as container:
        read_statistics: ReadStatistics = container.read_statistics()
        found = await read_statistics(SYSTEM, begin, end, dimensions)
    return statistics_response(found, dimensions)
