"""The statements of :mod:`adapters.sqlalchemy.engine.bulk`, as text for the driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Column,
    Dialect,
    Insert,
    Select,
    Table,
    TypeDecorator,
    Update,
    bindparam,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from adapters.sqlalchemy.engine.write import Write

Convert = Callable[[Any], Any]


@attrs.frozen(eq=False)
class Compiled:
    """A statement's text, and how to make its arguments.

    ``constants`` has the values that are the statement's own. ``many`` is the text of the statement
    for many rows, which takes a list for each argument.
    """

    sql: str
    names: Sequence[str]
    constants: Mapping[str, Any]
    conversions: Sequence[tuple[int, Convert]]
    many: str | None = None

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """Return ``values`` in the statement's order and as the driver takes them."""
        constants = self.constants
        found = [constants[name] if name in constants else values[name] for name in self.names]
        for place, convert in self.conversions:
            found[place] = convert(found[place])
        return found

    def columns(self, values: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return a list for each argument but the constants."""
        columns = zip(*map(self.arguments, values), strict=True)
        return [
            self.constants[name] if name in self.constants else list(column)
            for name, column in zip(self.names, columns, strict=True)
        ]


def insert_rows(table: Table) -> Any:
    """Return PostgreSQL's statement that inserts any number of rows, and returns their keys.

    It takes a list for each column: statements that differ in their number of rows would each be
    prepared anew.
    """
    names = [column.name for column in table.columns]
    columns = (bindparam(name, type_=ARRAY(table.c[name].type)) for name in names)
    rows = func.unnest(*columns).table_valued(*names).render_derived()
    insert = postgresql.insert(table).from_select(names, select(rows))
    return insert.returning(*table.primary_key)


def compiled_write(dialect: Dialect, write: Write) -> Compiled:
    """Return the text of ``write``'s statement, which returns the key of each row it changes."""
    statement = write.statement
    assert isinstance(statement, Insert | Update)  # noqa: S101 - what has a key
    (key,) = statement.table.primary_key
    one = _compiled(dialect, statement.returning(key), write.values)
    if write.many is None:
        return one
    many = _compiled(dialect, write.many, write.values)
    assert many.names == one.names  # noqa: S101
    return attrs.evolve(one, many=many.sql)


def compiled_read(dialect: Dialect, query: Select[Any], values: Mapping[str, Any]) -> Compiled:
    """Return the text of ``query``."""
    return _compiled(dialect, query, values)


def compiled_reads(dialect: Dialect, query: Select[Any], values: Mapping[str, Any]) -> Compiled:
    """Return the text of ``query`` for any number of ``values``, whose rows have a ``number``."""
    types = {bind.key: bind.type for bind in _binds(query)}
    names = [name for name in values if name in types]
    columns = (bindparam(name, type_=ARRAY(types[name])) for name in names)
    wanted = (
        func.unnest(*columns)
        .table_valued(*(Column(name, types[name]) for name in names), with_ordinality="number")
        .render_derived(name="wanted")
    )

    def replace(element: Any, **_: object) -> Any:
        if isinstance(element, BindParameter) and element.key in values:
            return wanted.c[element.key]
        return None

    # The offset keeps each look-up by itself: joined, a plan made while the table was small reads
    # all of it for the rest of the connection's life.
    single: Any = replacement_traverse(query, {}, replace)
    each = single.offset(literal_column("0")).lateral("found")
    together = select(wanted.c.number, each).select_from(wanted.join(each, true()))
    return _compiled(dialect, together, values)


def _binds(query: Select[Any]) -> Iterator[BindParameter[Any]]:
    return (element for element in iterate(query) if isinstance(element, BindParameter))


def _compiled(dialect: Dialect, statement: Any, values: Mapping[str, Any]) -> Compiled:
    columns = None if isinstance(statement, Select) else [*values]
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    names = compiled.positiontup or []
    given = compiled.params
    return Compiled(
        sql=compiled.string,
        names=names,
        constants={name: given[name] for name in names if name not in values},
        conversions=[
            (place, partial(kind.process_bind_param, dialect=dialect))
            for place, kind in enumerate(compiled.binds[name].type for name in names)
            if isinstance(kind, TypeDecorator)
        ],
    )
