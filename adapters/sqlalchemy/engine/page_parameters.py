"""What a page of a list is asked for, and the parameters of its queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from sqlalchemy import BindParameter, ColumnElement, Integer, String, Table, Text, bindparam

from adapters.sqlalchemy.engine.listing import Filter, Half, Listing
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from domain.access.access import Tenants
from domain.shared.pagination import Cursor

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
SINCE: Final = bindparam("since", type_=UtcDateTime)
END: Final = bindparam("end", type_=UtcDateTime)
END_ID: Final = bindparam("end_id", type_=String(36))
# PostgreSQL, which knows LATERAL, takes a limit that it does not know for a tenth of the rows.
MOST: Final = {
    lateral: bindparam("most", type_=Integer, literal_execute=lateral) for lateral in (False, True)
}

Owner = int | None
"""A tenant, by its number among those asked for; None: no tenant."""

Owners = tuple[Owner, ...] | None
"""Whose rows; None: all."""


@attrs.frozen
class Asked:
    """Which columns the filters pin, whose rows are visible, and the parameters' values."""

    pinned: frozenset[str]
    owners: Owners
    values: Mapping[str, object]


def asked_for(
    listing: Listing, wanted: Filter, after: Cursor | None, limit: int, visible_to: Tenants
) -> Asked:
    """Return what is asked for, for the newest ``limit`` rows that are older than ``after``."""
    filters = {
        name: value
        for name, value in attrs.asdict(wanted, recurse=False).items()
        if name in listing.table.c and value is not None
    }
    owners: Owners = None
    tenants: dict[str, object] = {}
    if visible_to is not None:
        named = sorted({tenant for tenant in visible_to if tenant is not None})
        tenants = {f"tenant_{number}": tenant for number, tenant in enumerate(named)}
        owners = (*range(len(named)), *([None] if None in visible_to else []))
    end = Cursor(wanted.created.until or _LAST, "")
    if after is not None and (after.created_at, after.id) < (end.created_at, end.id):
        end = after
    values = {
        **filters,
        **tenants,
        "since": wanted.created.since or _FIRST,
        "end": end.created_at,
        "end_id": end.id,
        "most": limit,
    }
    return Asked(frozenset(filters), owners, values)


def given_for(table: Table, pinned: frozenset[str]) -> Mapping[str, ColumnElement[Any]]:
    """Return the parameters of the columns that filters pin."""
    return {name: bindparam(name, type_=table.c[name].type) for name in sorted(pinned)}


def halves(owners: Owners) -> Iterator[tuple[Half, Mapping[str, ColumnElement[Any]]]]:
    """Which halves have these owners' rows, and the tenant where it is a column of the index."""
    if owners is None:
        yield from ((Half.UNOWNED, {}), (Half.OWNED, {}))
        return
    for owner in owners:
        yield (Half.UNOWNED, {}) if owner is None else (Half.OWNED, {"tenant": _tenant(owner)})


def is_of(table: Table, owner: Owner) -> ColumnElement[bool]:
    """Whether a row is this owner's."""
    return table.c.tenant.is_(None) if owner is None else table.c.tenant == _tenant(owner)


def _tenant(number: int) -> BindParameter[str]:
    return bindparam(f"tenant_{number}", type_=Text)
