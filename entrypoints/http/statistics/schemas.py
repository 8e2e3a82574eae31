"""The query parameters of statistics."""

from __future__ import annotations

from typing import Annotated, Final

from domain.statistics.statistics import Dimension
from entrypoints.http.requests.fields import query_parameter

_MOMENT: Final = {
    "description": "A day (its midnight in UTC), or a time with its offset.",
    "examples": ["2026-11-01"],
}

FromQuery = Annotated[str | None, query_parameter("from", **_MOMENT)]
ToQuery = Annotated[str | None, query_parameter("to", **_MOMENT)]
GroupByQuery = Annotated[
    str | None,
    query_parameter("groupBy", description=", ".join(Dimension), examples=["day,agent"]),
]
TimezoneQuery = Annotated[str | None, query_parameter(enum=["UTC"])]
