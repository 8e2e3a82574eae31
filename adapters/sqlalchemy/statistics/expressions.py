"""What SQLite and PostgreSQL write differently: days, minutes, and the time between two times."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class UtcDay(FunctionElement[int]):
    """The day of a time in UTC, as a number of days since 1970: less to sort than a text is."""

    type = Integer()
    inherit_cache = True


class UtcMinute(FunctionElement[int]):
    """The minute of a time, as a number of minutes since 1970."""

    type = BigInteger()
    inherit_cache = True


class MillisecondsBetween(FunctionElement[int]):
    """Whole milliseconds from the first time to the second; null if one is."""

    type = BigInteger()
    inherit_cache = True


@compiles(UtcDay, "sqlite")
def _sqlite_day(element: UtcDay, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    return f"CAST(julianday(substr({time}, 1, 10)) - 2440587.5 AS INTEGER)"


@compiles(UtcDay, "postgresql")
def _postgresql_day(element: UtcDay, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    return f"(CAST({time} AT TIME ZONE 'UTC' AS DATE) - DATE '1970-01-01')"


@compiles(UtcMinute, "sqlite")
def _sqlite_minute(element: UtcMinute, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    return f"(CAST(strftime('%s', {time}) AS INTEGER) / 60)"


@compiles(UtcMinute, "postgresql")
def _postgresql_minute(element: UtcMinute, compiler: SQLCompiler, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    return f"CAST(floor(extract(epoch FROM {time}) / 60) AS BIGINT)"


@compiles(MillisecondsBetween, "sqlite")
def _sqlite_span(element: MillisecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    # Days as floating-point numbers are exact to 0.05 milliseconds.
    since, until = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(round((julianday({until}) - julianday({since})) * 86400000) AS INTEGER)"


@compiles(MillisecondsBetween, "postgresql")
def _postgresql_span(element: MillisecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    since, until = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(round(extract(epoch FROM {until} - {since}) * 1000) AS BIGINT)"
