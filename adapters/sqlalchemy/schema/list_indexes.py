"""The indexes that lists are read by; :mod:`adapters.sqlalchemy.engine.page` says how."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from sqlalchemy import ColumnElement, Index, String, Table, and_, literal_column, true

from adapters.sqlalchemy.schema.tables import calls, metadata, sessions

__all__ = ["LISTS", "Half", "calls", "metadata", "sessions"]


class Half(enum.Enum):
    """Which rows an index has: where there are no API keys, no row has a tenant."""

    ALL = enum.auto()
    UNOWNED = enum.auto()
    OWNED = enum.auto()


Key = tuple[Table, Half, tuple[str, ...]]
"""Which rows, and the columns before ``created_at`` and ``id``."""

_INDEXES: Final[Mapping[Key, str]] = {
    (sessions, Half.UNOWNED, ("status",)): "unowned_status",
    (sessions, Half.UNOWNED, ("identity", "status")): "unowned_identity",
    (sessions, Half.OWNED, ("status",)): "owned_status",
    (sessions, Half.OWNED, ("identity", "status")): "owned_identity",
    (sessions, Half.OWNED, ("tenant", "status")): "tenant_status",
    (sessions, Half.OWNED, ("tenant", "identity")): "tenant_identity",
    (calls, Half.ALL, ("from_number", "to_number")): "from_to",
    (calls, Half.UNOWNED, ("direction", "status")): "unowned_status",
    (calls, Half.UNOWNED, ("from_number", "direction", "status")): "unowned_from",
    (calls, Half.UNOWNED, ("to_number", "direction", "status")): "unowned_to",
    (calls, Half.OWNED, ("direction", "status")): "owned_status",
    (calls, Half.OWNED, ("from_number", "direction", "status")): "owned_from",
    (calls, Half.OWNED, ("to_number", "direction", "status")): "owned_to",
    (calls, Half.OWNED, ("tenant", "direction", "status")): "tenant_status",
    (calls, Half.OWNED, ("tenant", "from_number")): "tenant_from",
    (calls, Half.OWNED, ("tenant", "to_number")): "tenant_to",
}


def _add(key: Key, name: str, *, named: bool = True) -> ColumnElement[bool]:
    """Add the index to its table; the condition that a query must state for it to be used.

    It names the index, which is always true: so no other query uses it, and a planner that
    misjudges how many rows match cannot prefer one index to another.
    """
    table, half, columns = key
    name = f"ix_{table.name}_{name}"
    conditions: list[ColumnElement[bool]] = []
    if half is not Half.ALL:
        owned = half is Half.OWNED
        conditions.append(table.c.tenant.is_not(None) if owned else table.c.tenant.is_(None))
    if named:
        conditions.append(table.c.id != literal_column(f"'{name}'", String))
    where = and_(*conditions) if conditions else None
    place = [table.c[column] for column in (*columns, "created_at", "id")]
    Index(name, *place, sqlite_where=where, postgresql_where=where)
    return true() if where is None else where


LISTS: Final[Mapping[Key, ColumnElement[bool]]] = {
    # Pruning, and the search for a room's newest, use these too.
    **{
        (table, Half.ALL, columns): _add((table, Half.ALL, columns), name, named=False)
        for table in (sessions, calls)
        for name, columns in (("created", ()), ("room_created", ("room_name",)))
    },
    **{key: _add(key, name) for key, name in _INDEXES.items()},
}
"""The conditions of the indexes, by what they are of."""
