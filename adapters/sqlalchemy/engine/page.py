"""One page of a table, newest first.

A page is put together from slices. A slice is one range of one index: its rows agree in the columns
before ``created_at`` and are read from the newest on, so it costs what it returns, however few of
the table's rows match. A filter that pins fewer of these columns takes a slice for each value of
the others, which have few (statuses, directions).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import attrs
from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Select,
    String,
    Subquery,
    Table,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from adapters.sqlalchemy.engine.listing import Filter, Half, Listing
from adapters.sqlalchemy.engine.lookup import Query, select_of
from adapters.sqlalchemy.engine.page_parameters import (
    END,
    END_ID,
    MOST,
    SINCE,
    Owners,
    asked_for,
    given_for,
    halves,
    is_of,
)
from domain.access.access import Tenants
from domain.shared.pagination import Cursor


def page_of(  # noqa: PLR0913 - what a page is, and what the database knows
    listing: Listing,
    wanted: Filter,
    after: Cursor | None,
    limit: int,
    visible_to: Tenants,
    *,
    lateral: bool,
) -> tuple[Select[Any], Mapping[str, object]]:
    """A query for the newest ``limit`` rows that are wanted, and its parameters.

    Starts at ``after`` by its place in the index rather than by counting rows. ``lateral``:
    whether the database knows LATERAL, as PostgreSQL does.
    """
    asked = asked_for(listing, wanted, after, limit, visible_to)
    return newest_rows(listing, asked.pinned, asked.owners, lateral=lateral), asked.values


def of_tenants(query: Query, table: Table, tenants: Tenants) -> Query:
    """Return ``query`` for the records of these tenants (None among them: of no tenant), or all."""
    if tenants is None:
        return query
    whose = [table.c.tenant == tenant for tenant in tenants]  # "= NULL" becomes "IS NULL"
    return select_of(query).where(or_(*whose))


@attrs.frozen
class _Slice:
    """Rows of one range of an index.

    ``half`` and ``key``, the index's columns before ``created_at`` with their values, say which
    index; ``others`` are filters to try row by row.
    """

    listing: Listing
    half: Half
    key: Mapping[str, ColumnElement[Any]]
    others: Sequence[ColumnElement[bool]] = ()

    def newest(self, *what: Table | Column[Any]) -> Select[Any]:
        """A query for the newest of them, in the order of this index and of no other.

        The columns are compared as one value and with ``<=`` rather than one by one with ``=``: a
        planner that is given single columns takes them to be independent of each other, and reads
        the whole table by age where it expects many rows and there are none.
        """
        table = self.listing.table
        place = (table.c.created_at, table.c.id)
        columns, values = [table.c[name] for name in self.key], list(self.key.values())
        return (
            select(*what)
            .where(
                self.listing.conditions[self.half, tuple(self.key)],
                tuple_(*columns, *place) <= tuple_(*values, END, END_ID),
                tuple_(*columns, place[0]) >= tuple_(*values, SINCE),
                tuple_(*place) < tuple_(END, END_ID),
                *self._row_by_row(),
            )
            .order_by(*(column.desc() for column in (*columns, *place)))
        )

    def _row_by_row(self) -> Iterator[ColumnElement[bool]]:
        """The other filters, and how few rows they are tried on, which decides for the index."""
        if self.others:
            yield from (self.listing.table.c[name] == value for name, value in self.key.items())
            yield from self.others


@lru_cache(maxsize=512)
def newest_rows(  # noqa: PLR0913 - what a page is
    listing: Listing,
    pinned: frozenset[str],
    owners: Owners,
    *,
    lateral: bool,
    columns: tuple[str, ...] = (),
    most: int | None = None,
) -> Select[Any]:
    """The query for a page with filters for ``pinned``, of these owners.

    ``columns`` are those to return, all if empty; ``most`` is instead of the parameter. Built once:
    SQLAlchemy then finds its compiled form by identity.
    """
    table = listing.table
    what: list[Table | Column[Any]] = [table.c[name] for name in columns] or [table]
    limit = MOST[lateral] if most is None else literal_column(str(most), Integer)
    if not pinned and owners is None:
        return _Slice(listing, Half.ALL, {}).newest(*what).limit(limit)
    given = given_for(table, pinned)
    for names in listing.whole:
        if pinned.issuperset(names):
            others = [table.c[name] == given[name] for name in given if name not in names]
            if owners is not None:
                others.append(or_(*(is_of(table, owner) for owner in owners)))
            key = {name: given[name] for name in names}
            return _Slice(listing, Half.ALL, key, others).newest(*what).limit(limit)
    parts = itertools.chain.from_iterable(
        _parts(listing, given, half, tenant, limit, lateral=lateral)
        for half, tenant in halves(owners)
    )
    found = union_all(*parts).subquery()
    newest_first = (found.c.created_at.desc(), found.c.id.desc())
    page = select(found).order_by(*newest_first).limit(limit).subquery()
    # The slices are read from their indexes alone, and only the page's rows from the table.
    query = select(*what).join_from(page, table, page.c.id == table.c.id)
    return query.order_by(page.c.created_at.desc(), page.c.id.desc())


def _parts(  # noqa: PLR0913 - what a page is
    listing: Listing,
    given: Mapping[str, ColumnElement[Any]],
    half: Half,
    tenant: Mapping[str, ColumnElement[Any]],
    limit: ColumnElement[int],
    *,
    lateral: bool,
) -> Iterator[Select[Any]]:
    """Queries for the places of the newest rows of one owner, by as few slices as there can be."""

    table, few = listing.table, listing.few

    def newest(key: Mapping[str, ColumnElement[Any]], *others: ColumnElement[bool]) -> Select[Any]:
        places = _Slice(listing, half, key, others).newest(table.c.created_at, table.c.id)
        return places.limit(limit)

    key = {**tenant, **{name: value for name, value in given.items() if name not in few}}
    if tenant and len(key) > 1:
        others = [table.c[name] == given[name] for name in given if name in few]
        yield select(newest(key, *others).subquery())
        return
    open_ = [name for name in few if name not in given]
    choices = list(itertools.product(*(few[name] for name in open_)))
    if lateral and open_:
        # One sub-query for all slices: PostgreSQL would plan each of them.
        each = _rows(open_, choices)
        key |= {name: each.c[name] if name in open_ else given[name] for name in few}
        slices = newest(key).correlate(each).lateral()
        yield select(slices).select_from(each.join(slices, true()))
        return
    for choice in choices:
        chosen = {name: _literal(value) for name, value in zip(open_, choice, strict=True)}
        key |= {name: chosen[name] if name in chosen else given[name] for name in few}
        yield select(newest(key).subquery())


def _literal(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'", String)


def _rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Subquery:
    """A table of constants, not by VALUES: SQLAlchemy would compile that for each query."""
    return union_all(
        *(
            select(*(_literal(value).label(name) for name, value in zip(names, row, strict=True)))
            for row in rows
        )
    ).subquery()
