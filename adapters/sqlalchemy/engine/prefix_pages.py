"""A list of what begins with a text.

Of a common beginning the newest rows have a page, and of a rare one an index has few rows. So a
page is looked for among the newest rows first, and if they have too few, in the indexes of what is
searched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import attrs
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
    true,
    tuple_,
    union,
)

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.listing import Filter, Half
from adapters.sqlalchemy.engine.page import newest_rows, page_of
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
from adapters.sqlalchemy.engine.searchable import Searchable
from domain.access.access import Tenants
from domain.shared.pagination import Cursor
from domain.shared.prefix import Prefix, after_all

LOOKED_AT: Final = 500
"""The newest rows, through which each search looks first."""

Conditions = Sequence[ColumnElement[bool]]


class Searching(Filter, Protocol):
    """A filter that may also ask for a beginning."""

    @property
    def prefix(self) -> Prefix | None:
        """How the id, a name or a number begins."""


async def rows_of_page(  # noqa: PLR0913, PLR0917 - what a page is
    database: Database,
    searchable: Searchable,
    wanted: Searching,
    after: Cursor | None,
    limit: int,
    visible_to: Tenants,
) -> Sequence[Row[Any]]:
    """Read the newest ``limit`` rows that are wanted, of those older than ``after``."""
    listing, prefix, lateral = searchable.listing, wanted.prefix, not database.embedded
    if prefix is None:
        query, values = page_of(listing, wanted, after, limit, visible_to, lateral=lateral)
        return await database.read_many(query, values)
    asked = asked_for(listing, wanted, after, limit, visible_to)
    texts = {f"begin_{number}": text for number, text in enumerate(prefix.numbers)}
    values = {
        **asked.values,
        **texts,
        **{f"{name}_after": after_all(text) for name, text in texts.items()},
        **({} if prefix.ids is None else dict(zip(("id_from", "id_to"), prefix.ids, strict=True))),
    }
    search = _Search(searchable, len(texts), prefix.ids is not None, lateral)
    rows = await database.read_many(among_newest(search, asked.pinned, asked.owners), values)
    found = [row for row in rows if row.id is not None]
    if len(found) >= limit or rows[0].is_all:
        return found
    return await database.read_many(by_indexes(search, asked.pinned, asked.owners), values)


@attrs.frozen
class _Search:
    """What is searched for: how many beginnings a number may have, and whether an id may."""

    searchable: Searchable
    beginnings: int
    has_id: bool
    lateral: bool

    def ranges(self, rows: FromClause) -> Iterator[tuple[str, ColumnElement[bool]]]:
        """Yield each column that is searched, and a range of its values."""
        for name in self.searchable.names:
            yield name, self._begins(rows.c[name], 0)
        for name in self.searchable.numbers:
            for number in range(self.beginnings):
                yield name, self._begins(rows.c[name], number)
        if self.has_id:
            # Ids have digits and letters in the same places, in whose order collations agree.
            first, last = (bindparam(name, type_=String(36)) for name in ("id_from", "id_to"))
            yield "id", rows.c.id.between(first, last)

    def _begins(self, column: ColumnElement[Any], number: int) -> ColumnElement[bool]:
        first = bindparam(f"begin_{number}", type_=Text)
        last = bindparam(f"begin_{number}_after", type_=Text)
        if self.lateral:
            return and_(column.bool_op("~>=~")(first), column.bool_op("~<~")(last))
        return and_(column >= first, column < last)


@lru_cache(maxsize=512)
def among_newest(search: _Search, pinned: frozenset[str], owners: Owners) -> Select[Any]:
    """The query for a page of the newest rows.

    Each row says in ``is_all`` whether there are no older ones to look at; where none begins so,
    there is one row, of nothing.
    """
    searchable, table = search.searchable, search.searchable.listing.table
    newest = newest_rows(
        searchable.listing,
        pinned,
        owners,
        lateral=search.lateral,
        columns=("id", "created_at", *searchable.names, *searchable.numbers),
        most=LOOKED_AT,
    ).cte("newest")
    found = (
        select(newest.c.id)
        .where(or_(*(one for _, one in search.ranges(newest))))
        .order_by(newest.c.created_at.desc(), newest.c.id.desc())
        .limit(MOST[search.lateral])
    )
    seen = select((func.count() < LOOKED_AT).label("is_all")).select_from(newest).subquery()
    shown = select(table).where(table.c.id.in_(found)).subquery()
    query = select(seen, shown).join_from(seen, shown, true(), isouter=True)
    return query.order_by(shown.c.created_at.desc(), shown.c.id.desc())


@lru_cache(maxsize=512)
def by_indexes(search: _Search, pinned: frozenset[str], owners: Owners) -> Select[Any]:
    """The query for a page by the index of each column that is searched.

    What a range of one has is gathered before it is sorted: a planner that takes it for more than
    it is would else go through the whole table by age.
    """
    table = search.searchable.listing.table
    given = given_for(table, pinned)
    others = [table.c[name] == value for name, value in given.items()]
    parts: list[Select[Any]] = []
    for conditions in _looks(search, owners):
        gathered = (
            select(table.c.created_at, table.c.id)
            .where(*conditions, *others)
            .cte(f"gathered_{len(parts)}")
            .prefix_with("MATERIALIZED")
        )
        place = (gathered.c.created_at, gathered.c.id)
        newest = (
            select(*place)
            .where(place[0] >= SINCE, tuple_(*place) < tuple_(END, END_ID))
            .order_by(*(column.desc() for column in place))
            .limit(MOST[search.lateral])
        )
        parts.append(newest.subquery().select())
    found = union(*parts).subquery()
    page = (
        select(found)
        .order_by(found.c.created_at.desc(), found.c.id.desc())
        .limit(MOST[search.lateral])
        .subquery()
    )
    query = select(table).join_from(page, table, page.c.id == table.c.id)
    return query.order_by(page.c.created_at.desc(), page.c.id.desc())


def _looks(search: _Search, owners: Owners) -> Iterator[Conditions]:
    """Yield conditions for each range of an index to read, and on PostgreSQL for the live rows."""
    searchable, table = search.searchable, search.searchable.listing.table
    ranges = list(search.ranges(table))
    for name, values in ranges:
        if not search.lateral and name != "id":
            yield from ((values, *whose) for whose in _whose_on_sqlite(searchable, name, owners))
            continue
        is_indexed = [] if name == "id" else [~searchable.is_live]
        yield (values, *is_indexed, *_whose(table, owners))
    if search.lateral:
        begins = or_(*(values for name, values in ranges if name != "id"))
        yield (searchable.is_live, begins, *_whose(table, owners))


def _whose(table: Table, owners: Owners) -> Conditions:
    return [] if owners is None else [or_(*(is_of(table, owner) for owner in owners))]


def _whose_on_sqlite(searchable: Searchable, name: str, owners: Owners) -> Iterator[Conditions]:
    """Yield conditions for the visible rows: those of each index that begins with the column."""
    listing, table = searchable.listing, searchable.listing.table
    indexes = {
        half: [columns for each, columns in listing.conditions if each is half] for half in Half
    }
    if not any(columns[0] == name for columns in indexes[Half.UNOWNED]):
        yield _whose(table, owners)
        return
    for half, tenant in halves(owners):
        key = (*tenant, name)
        columns = next(each for each in indexes[half] if each[: len(key)] == key)
        yield (
            listing.conditions[half, columns],
            *(table.c[column] == value for column, value in tenant.items()),
        )
