"""Statements that find few rows by an index, for which SQLAlchemy takes longer than SQLite."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.dml import ReturningUpdate

from adapters.sqlalchemy.engine.compiled import Compiled, compiled

_DIALECT: Final = sqlite.dialect()


Statement = TypeVar("Statement", Select[Any], ReturningUpdate[Any])


class Lookup(Generic[Statement]):
    """A query, or a change that returns rows, that is built once, as a constant.

    SQLite's driver carries it out itself, and its rows are named tuples.
    """

    def __init__(self, query: Statement) -> None:
        self.query: Statement = query

    def rows(self, connection: Connection, values: Mapping[str, Any] | None) -> Sequence[Any]:
        """Carry it out."""
        if connection.dialect.name != _DIALECT.name:
            return connection.execute(self.query, values).all()
        text, row, readers = self._prepared
        driver: Any = connection.connection.driver_connection
        found = driver.execute(text.sql, text.arguments(values or {})).fetchall()
        return [row(*_read(stored, readers)) for stored in found]

    @cached_property
    def _prepared(self) -> tuple[Compiled, Callable[..., Any], Sequence[_Reader]]:
        columns = self.query.exported_columns
        readers = [
            (place, reader)
            for place, column in enumerate(columns)
            if (reader := column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None))
        ]
        names = [column.name for column in columns]
        row = namedtuple("row", names)  # type: ignore[misc] # they are known at run time only
        return compiled(_DIALECT, self.query), row, readers


Query = Lookup[Select[Any]] | Select[Any]


def select_of(query: Query) -> Select[Any]:
    """Return what SQLAlchemy carries out."""
    return query.query if isinstance(query, Lookup) else query


_Reader = tuple[int, Callable[[Any], Any]]
"""A column's place, and what makes the domain's value of the driver's."""


def _read(stored: tuple[Any, ...], readers: Sequence[_Reader]) -> list[Any]:
    values = list(stored)
    for place, reader in readers:
        values[place] = reader(values[place])
    return values
