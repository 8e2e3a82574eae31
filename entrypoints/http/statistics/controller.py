"""GET /statistics, GET /statistics.csv."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from litestar import Controller, Request, Response, Router, get
from litestar.types import Scope as AsgiScope

from domain.access.access import Scope
from domain.shared.errors import InvalidInput
from domain.statistics.read_statistics import ReadStatistics
from domain.statistics.statistics import Dimension
from entrypoints.container import Container
from entrypoints.http.json_response import JsonResponse
from entrypoints.http.middleware.access import access_of
from entrypoints.http.middleware.overload import overload_of
from entrypoints.http.openapi.document import KEYED, LIST_RESPONSES
from entrypoints.http.openapi.operation import Operation
from entrypoints.http.requests import query
from entrypoints.http.requests.accepted import accepted
from entrypoints.http.routing import routes_of
from entrypoints.http.statistics.schemas import FromQuery, GroupByQuery, TimezoneQuery, ToQuery
from entrypoints.presenters.statistics import StatisticsResponse, csv_text, statistics_response

CSV: Final = "text/csv"
_JSON: Final = "application/json"


def routes(container: Container) -> Router:
    """Return the routes, with the use cases that they call."""
    return routes_of(StatisticsController, _read_statistics=container.read_statistics)


class StatisticsController(Controller):
    """Read statistics."""

    tags = ("usage",)
    security = KEYED

    _read_statistics: ReadStatistics

    @get(
        "/statistics",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=Operation,
        summary="Counts, rates, percentiles and cost (development, or with an API key)",
        responses=LIST_RESPONSES,
    )
    async def statistics(
        self,
        request: Request[Any, Any, Any],
        from_: FromQuery = None,
        to: ToQuery = None,
        group_by: GroupByQuery = None,
        timezone: TimezoneQuery = None,
    ) -> Response[StatisticsResponse]:
        """Sessions and calls count by `createdAt`: `from` is included, `to` is not.

        They are at most 366 days apart; by default it is the last 30 days with today. `groupBy` is
        a list of `day`, `minute`, `agent` and `tenant` (with the scope admin). Days are those of
        UTC. As CSV with `Accept: text/csv`.
        """
        found = await self._found(request.scope, from_, to, group_by, timezone)
        headers = {"Vary": "Accept"}
        if accepted(request.scope, [_JSON, CSV]) == CSV:
            text = await asyncio.to_thread(csv_text, found)
            return Response[Any](text, media_type=CSV, headers=headers)
        return JsonResponse(found, headers=headers)

    @get(
        "/statistics.csv",
        needs=(Scope.CALLS_READ,),
        hidden=True,
        operation_class=Operation,
        summary="The same as CSV (development, or with an API key)",
        media_type=CSV,
        responses=LIST_RESPONSES,
    )
    async def statistics_csv(
        self,
        scope: AsgiScope,
        from_: FromQuery = None,
        to: ToQuery = None,
        group_by: GroupByQuery = None,
        timezone: TimezoneQuery = None,
    ) -> Response[str]:
        """A line for each group. A text that a spreadsheet would carry out gets an apostrophe."""
        found = await self._found(scope, from_, to, group_by, timezone)
        headers = {"Content-Disposition": 'attachment; filename="statistics.csv"'}
        text = await asyncio.to_thread(csv_text, found)
        return Response(text, media_type=CSV, headers=headers)

    async def _found(
        self,
        scope: AsgiScope,
        since: str | None,
        until: str | None,
        group_by: str | None,
        timezone: str | None,
    ) -> StatisticsResponse:
        if timezone and timezone != "UTC":
            raise InvalidInput("timezone must be UTC.", field="timezone", example="UTC")
        by = query.choices(Dimension, group_by, "groupBy")
        begin, end = query.moment(since, "from"), query.moment(until, "to")
        overload = overload_of(scope)
        async with overload.lists.take(overload.client(scope)):
            found = await self._read_statistics(access_of(scope), begin, end, by)
            return await asyncio.to_thread(statistics_response, found, by)
