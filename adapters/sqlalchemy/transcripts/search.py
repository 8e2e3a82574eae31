"""The queries that search what was said."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    cast,
    column,
    exists,
    func,
    literal,
    select,
    table,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from adapters.sqlalchemy.engine.lookup import select_of
from adapters.sqlalchemy.engine.page import of_tenants
from adapters.sqlalchemy.reports import REPORT_IS_UNMATCHED, reports
from adapters.sqlalchemy.transcripts.numbers import first_number
from adapters.sqlalchemy.transcripts.table import transcript_items
from adapters.sqlalchemy.transcripts.words import Fts5, TsVector
from domain.access.access import Tenants
from domain.shared.pagination import Cursor
from domain.transcripts.repository import TranscriptSearch, number_in

ALL_BUT_WORDS: Final = [each for each in transcript_items.columns if each.name != "search"]
LOOKED_AT: Final = 2000
"""A tenant's newest items, which PostgreSQL looks through first: a word that is in one of a hundred
is found there often enough for a page."""

_items: Final = transcript_items.c


def _is_shown(items: FromClause) -> ColumnElement[bool]:
    """Return whether an item's report is whole, and matched."""
    return ~exists().where(reports.c.id == items.c.report_id, REPORT_IS_UNMATCHED)


IS_SHOWN: Final = _is_shown(transcript_items)
_index: Final = table("transcript_search", column("rowid", BigInteger), column("transcript_search"))
_PLACE: Final = (_items.created_at, _items.number)
_ORDER: Final = (_items.created_at.desc(), _items.number.desc())


def by_fts5(
    wanted: TranscriptSearch, after: Cursor | None, limit: int, tenants: Tenants
) -> Select[Any]:
    """Return SQLite's query; it ends after a page, as row numbers are in the order of results."""
    since, until = wanted.created.since, wanted.created.until
    query = Fts5().query(wanted, tenants)
    found = select(_index.c.rowid).where(_index.c.transcript_search.op("MATCH")(query))
    if after is not None:
        found = found.where(_index.c.rowid < number_in(after))
    if since is not None:
        found = found.where(_index.c.rowid >= first_number(since))
    if until is not None:
        found = found.where(_index.c.rowid < first_number(until))
    found = found.where(exists().where(_items.number == _index.c.rowid, IS_SHOWN))
    found = found.order_by(_index.c.rowid.desc()).limit(limit)
    return _shown(_items.number.in_(found), tenants).order_by(_items.number.desc())


def among_newest(
    wanted: TranscriptSearch, after: Cursor | None, limit: int, tenants: Tenants
) -> Select[Any]:
    """Return PostgreSQL's query in each tenant's newest items: for words that are in many of them.

    Of these, the index of words would return every one, to be sorted. Each row says in ``is_all``
    whether there are no older items; where none matches there is one row, of no item.
    """
    newest = union_all(
        *(
            select(_items.number, _items.created_at, _items.search, _items.report_id)
            .where(*whose, *_range(wanted, after))
            .order_by(*_ORDER)
            .limit(LOOKED_AT)
            .subquery()
            .select()
            for whose in _each_of(tenants)
        )
    ).cte("newest")
    words = _tsquery(TsVector().query(wanted, tenants))
    found = (
        select(newest.c.number)
        .where(newest.c.search.op("@@")(words), _is_shown(newest))
        .order_by(newest.c.created_at.desc(), newest.c.number.desc())
        .limit(limit)
    )
    shown = _shown(_items.number.in_(found), tenants).subquery()
    is_all = (func.count() < LOOKED_AT).label("is_all")
    seen = select(is_all).select_from(newest).subquery()
    query = select(seen, shown).join_from(seen, shown, true(), isouter=True)
    return query.order_by(shown.c.created_at.desc(), shown.c.number.desc())


def by_index(
    wanted: TranscriptSearch, after: Cursor | None, limit: int, tenants: Tenants
) -> Select[Any]:
    """Return PostgreSQL's query by the index of words: for words that are in few of the newest.

    The planner takes words to be independent of each other. For two common ones that are never in
    one item it would go through all items, the newest first, if it knew the words and the order.

    For a beginning of many words the index returns each item that has one of them, so that in a
    session or a call the index is only asked for its items.
    """
    words, owner = TsVector().query(wanted, tenants), TsVector().owner_query(wanted)
    conditions = [_items.search.op("@@")(select(_tsquery(owner or words)).scalar_subquery())]
    if owner:
        unindexed = _items.search.concat(cast(literal("", Text), TSVECTOR))
        conditions.append(unindexed.op("@@")(_tsquery(words)))
    matching = (
        select(_items.number, _items.created_at, _items.report_id)
        .where(*conditions, *_range(wanted, after))
        .cte("matching")
        .prefix_with("MATERIALIZED")
    )
    found = (
        select(matching.c.number)
        .where(_is_shown(matching))
        .order_by(matching.c.created_at.desc(), matching.c.number.desc())
        .limit(limit)
    )
    return _shown(_items.number.in_(found), tenants).order_by(*_ORDER)


def _tsquery(text: str) -> ColumnElement[Any]:
    return cast(literal(text, Text), TSQUERY)


def _each_of(tenants: Tenants) -> list[list[ColumnElement[bool]]]:
    """Return conditions for each tenant's items: one range of an index each."""
    if tenants is None:
        return [[]]
    return [[_items.tenant == tenant] for tenant in dict.fromkeys(tenants)]  # None: IS NULL


def _shown(which: ColumnElement[bool], tenants: Tenants) -> Select[Any]:
    query = of_tenants(select(*ALL_BUT_WORDS).where(which), transcript_items, tenants)
    return select_of(query)


def _range(wanted: TranscriptSearch, after: Cursor | None) -> list[ColumnElement[bool]]:
    since, until = wanted.created.since, wanted.created.until
    found: list[ColumnElement[bool]] = [_items.session_id.is_not(None)]
    if after is not None:
        found.append(tuple_(*_PLACE) < tuple_(after.created_at, number_in(after)))
    if since is not None:
        found.append(_items.created_at >= since)
    if until is not None:
        found.append(_items.created_at < until)
    return found
