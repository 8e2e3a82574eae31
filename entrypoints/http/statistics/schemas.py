"""The query parameters of statistics."""

from __future__ import annotations

from typing import Annotated, Final

from domain.statistics.statistics import Dimension
from entrypoints.http.requests.fields import query_parameter

_MOMENT: Final = {
    "description": "A day (its midnight in UTC), or a time with its offset.",
    "pattern": r"^(2\d{3}-[0-1]\d-[0-3]\d([Tt ].+)?)?$",
    "examples": ["2026-11-01"],
}

_DIMENSION: Final = f"({'|'.join(Dimension)})"

FromQuery = Annotated[str | None, query_parameter("from", **_MOMENT)]
ToQuery = Annotated[str | None, query_parameter("to", **_MOMENT)]
GroupByQuery = Annotated[
    str | None,
    query_parameter(
        "groupBy",
        description="A list, separated by commas.",
        pattern=rf"^({_DIMENSION}(,{_DIMENSION})*)?$",
        examples=["day,agent"],
    ),
]
TimezoneQuery = Annotated[str | None, query_parameter(enum=["UTC"])]
