"""The indexes that a table is listed by; :mod:`adapters.sqlalchemy.engine.page` says how."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import attrs
from sqlalchemy import ColumnElement, Index, String, Table, and_, literal_column, true

from domain.shared.pagination import Span


class Half(enum.Enum):
    """Which rows an index has: where there are no API keys, no row has a tenant."""

    ALL = enum.auto()
    UNOWNED = enum.auto()
    OWNED = enum.auto()


Columns = tuple[str, ...]
"""The columns of an index before ``created_at`` and ``id``."""


class Filter(attrs.AttrsInstance, Protocol):
    """Which rows: those to which everything applies that is not None.

    Its other fields are named as the columns are.
    """

    @property
    def created(self) -> Span:
        """The time span in which they were created."""
        ...


@attrs.frozen(eq=False)
class Listing:
    """List a table that has the columns ``id``, ``created_at`` and ``tenant``, newest first.

    ``few``: the columns with few values, and these values, in the order of the indexes' columns.
    ``whole``: columns with an index of the whole table and few rows for each of its values; other
    filters are then tried row by row. ``conditions`` are those of the indexes.
    """

    table: Table
    few: Mapping[str, Sequence[str]]
    whole: Sequence[Columns]
    conditions: Mapping[tuple[Half, Columns], ColumnElement[bool]]

    @classmethod
    def of(
        cls,
        table: Table,
        *,
        few: Mapping[str, Sequence[str]],
        whole: Sequence[Columns],
        shared: Mapping[Columns, str],
        indexes: Mapping[tuple[Half, Columns], str],
    ) -> Self:
        """Add the indexes to the table.

        Only lists use ``indexes``; other queries use the ``shared`` ones too.
        """
        conditions = {
            (Half.ALL, columns): _add(table, Half.ALL, columns, name, is_shared=True)
            for columns, name in shared.items()
        }
        for (half, columns), name in indexes.items():
            conditions[half, columns] = _add(table, half, columns, name, is_shared=False)
        return cls(table, few, whole, conditions)


def _add(
    table: Table, half: Half, columns: Columns, name: str, *, is_shared: bool
) -> ColumnElement[bool]:
    """Add the index to its table and return the condition that a query must state to use it.

    It names the index, which is always true: so no other query uses it, and a planner that
    misjudges how many rows match cannot prefer one index to another. A shared one has no condition.
    """
    name = f"ix_{table.name}_{name}"
    conditions: list[ColumnElement[bool]] = []
    if half is not Half.ALL:
        owned = half is Half.OWNED
        conditions.append(table.c.tenant.is_not(None) if owned else table.c.tenant.is_(None))
    if not is_shared:
        conditions.append(table.c.id != literal_column(f"'{name}'", String))
    where = and_(*conditions) if conditions else None
    place = [table.c[column] for column in (*columns, "created_at", "id")]
    Index(name, *place, sqlite_where=where, postgresql_where=where)
    return true() if where is None else where
