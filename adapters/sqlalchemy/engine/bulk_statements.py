"""The statements of :mod:`adapters.sqlalchemy.engine.bulk`, as text for the driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Column,
    Dialect,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from adapters.sqlalchemy.engine.compiled import Compiled, compiled
from adapters.sqlalchemy.engine.write import Scalar, Write

NUMBER: Final = "number_of_values"
"""The column that says for which values a row was found, from 1; no table has a column of it."""


def insert_rows(table: Table, names: Sequence[str] | None = None) -> Any:
    """Return PostgreSQL's statement that inserts any number of rows, and returns their keys.

    It takes a list for each column, or for those with these ``names``: statements that differ in
    their number of rows would each be prepared anew.
    """
    names = names or [column.name for column in table.columns]
    columns = (bindparam(name, type_=ARRAY(table.c[name].type)) for name in names)
    rows = func.unnest(*columns).table_valued(*names).render_derived()
    insert = postgresql.insert(table).from_select(names, select(rows))
    return insert.returning(*table.primary_key)


def compiled_change(dialect: Dialect, change: Write | Scalar) -> Compiled:
    """Return the text of ``change``; a write's returns the key of each row that it changes."""
    statement = change.statement
    if isinstance(change, Scalar):
        return compiled(dialect, statement, change.values)
    assert isinstance(statement, Insert | Update)  # noqa: S101 - what has a key
    table: Any = statement.table
    key = table.c[table.info["key"]] if "key" in table.info else next(iter(table.primary_key))
    single = compiled(dialect, statement.returning(key), change.values)
    if change.many is None:
        return single
    many = compiled(dialect, change.many, change.values)
    assert many.names == single.names  # noqa: S101
    return attrs.evolve(single, many=many.sql)


def compiled_reads(dialect: Dialect, query: Select[Any], values: Mapping[str, Any]) -> Compiled:
    """Return the text of ``query`` for any number of ``values``; rows have a :data:`NUMBER`."""
    types = {bind.key: bind.type for bind in _binds(query)}
    names = [name for name in values if name in types]
    columns = (bindparam(name, type_=ARRAY(types[name])) for name in names)
    wanted = (
        func.unnest(*columns)
        .table_valued(*(Column(name, types[name]) for name in names), with_ordinality=NUMBER)
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
    # Behind the query's own columns, whose places are known to those who read them.
    together = select(each, wanted.c[NUMBER]).select_from(wanted.join(each, true()))
    return compiled(dialect, together)


def _binds(query: Select[Any]) -> Iterator[BindParameter[Any]]:
    return (element for element in iterate(query) if isinstance(element, BindParameter))
