"""Statements as text for a driver: SQLAlchemy writes them once, and the rows pass it by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
from sqlalchemy import Dialect, Executable, TypeDecorator

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
        if self.constants:
            values = {**values, **self.constants}
        found = [values[name] for name in self.names]
        for place, convert in self.conversions:
            if found[place] is not None:
                found[place] = convert(found[place])
        return found

    def columns(self, values: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return a list for each argument but the constants."""
        columns = zip(*map(self.arguments, values), strict=True)
        return [
            self.constants[name] if name in self.constants else list(column)
            for name, column in zip(self.names, columns, strict=True)
        ]


def compiled(
    dialect: Dialect, statement: Executable, columns: Iterable[str] | None = None
) -> Compiled:
    """Return the text of ``statement``, which writes these ``columns`` unless it is a query."""
    text: Any = statement.compile(dialect=dialect, column_keys=columns and [*columns])  # type: ignore[attr-defined]
    names = text.positiontup or []
    given = text.params
    return Compiled(
        sql=text.string,
        names=names,
        constants={name: given[name] for name in names if not text.binds[name].required},
        conversions=[
            (place, partial(kind.process_bind_param, dialect=dialect))
            for place, kind in enumerate(text.binds[name].type for name in names)
            if isinstance(kind, TypeDecorator)
        ],
    )
