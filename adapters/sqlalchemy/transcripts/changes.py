"""The statements that store what was said, and give it to its session."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import attrs
from sqlalchemy import (
    ARRAY,
    Connection,
    Text,
    any_,
    bindparam,
    cast,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import TSVECTOR

from adapters.sqlalchemy.engine.compiled import compiled
from adapters.sqlalchemy.engine.named_lock import Locked, lock_name
from adapters.sqlalchemy.reports import REPORT_IS_UNMATCHED, reports
from adapters.sqlalchemy.sessions.table import sessions
from adapters.sqlalchemy.transcripts.mapping import item_values, owner_of
from adapters.sqlalchemy.transcripts.numbers import Numbers
from adapters.sqlalchemy.transcripts.table import transcript_items
from adapters.sqlalchemy.transcripts.words import (
    Fts5,
    SearchLanguage,
    TsVector,
    item_words,
    owner_words,
)
from domain.shared.errors import Conflict
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem

SLICE: Final = 250
"""Items that one statement stores; on PostgreSQL other tasks have their turn after each."""
MATCHED_AT_ONCE: Final = 100

_items: Final = transcript_items.c
_NAMES: Final = [each.name for each in transcript_items.columns if each.name != "number"]

# SQLAlchemy takes longer for a row than SQLite.
_ADD_SQLITE: Final = compiled(sqlite.dialect(), insert(transcript_items), ["number", *_NAMES])
# Also those that an earlier upload of this report, which was cut short, has left unmatched.
_REPLACED: Final = (
    delete(transcript_items)
    .where(_items.owner.in_((bindparam("its_owner"), bindparam("its_report"))))
    .returning(_items.item_id, _items.report_id)
)
_REPLACED_SQLITE: Final = _REPLACED.where(
    _items.item_id.in_(
        select(column("value")).select_from(func.json_each(bindparam("ids", type_=Text)))
    ),
)
_HIDDEN: Final = select(reports.c.id).where(
    reports.c.id.in_(bindparam("ids", expanding=True)), REPORT_IS_UNMATCHED
)
_LAST_NUMBER: Final = "SELECT max(number) FROM transcript_items WHERE number >= ? AND number < ?"


@lru_cache(2)
def _add_sqlite(rows: int) -> str:
    """Return SQLite's statement for so many rows.

    FTS5 writes its words to the disk at the end of each statement that has a trigger.
    """
    begin, values, row = _ADD_SQLITE.sql.partition(" VALUES ")
    return f"{begin}{values}{', '.join([row] * rows)}"


def _insert_many() -> Any:
    """Return PostgreSQL's statement that takes a list for each column."""
    types = {name: Text() if name == "search" else _items[name].type for name in _NAMES}
    lists = (bindparam(name, type_=ARRAY(kind)) for name, kind in types.items())
    rows = func.unnest(*lists).table_valued(*_NAMES).render_derived()
    chosen = [cast(rows.c[name], TSVECTOR) if name == "search" else rows.c[name] for name in _NAMES]
    return postgresql.insert(transcript_items).from_select(_NAMES, select(*chosen))


_ADD_POSTGRESQL: Final = _insert_many()
_REPLACED_POSTGRESQL: Final = _REPLACED.where(
    _items.item_id == any_(bindparam("ids", type_=ARRAY(Text)))
)
_SESSION: Final = (
    select(sessions.c.id)
    .where(sessions.c.id == bindparam("its_owner"))
    .with_for_update(read=True, key_share=True)
)

_unmatched: Final = transcript_items.alias("unmatched")
_REPLACED_BY_MATCH: Final = delete(transcript_items).where(
    _items.owner == bindparam("its_session"),
    _items.item_id.in_(
        select(_unmatched.c.item_id).where(_unmatched.c.owner == bindparam("its_report"))
    ),
)
_of_session: Final = transcript_items.alias("of_session")
# With an offset PostgreSQL looks each item up; otherwise it may join all of them, each time.
_OF_BOTH: Final = (
    select(_of_session.c.number)
    .where(_of_session.c.owner == bindparam("its_session"))
    .where(_of_session.c.item_id == _unmatched.c.item_id)
    .correlate(_unmatched)
    .offset(0)
)
_UNMATCHED: Final = select(_unmatched.c.number).where(
    _unmatched.c.owner == bindparam("its_report"), ~exists(_OF_BOTH)
)
COUNT_UNMATCHED: Final = select(func.count()).select_from(
    _UNMATCHED.limit(MATCHED_AT_ONCE + 1).subquery()
)
_SOME_UNMATCHED: Final = _UNMATCHED.limit(MATCHED_AT_ONCE)
_MATCH: Final = (
    update(transcript_items)
    .where(_items.number.in_(_SOME_UNMATCHED))
    .values(
        owner=bindparam("its_session"),
        session_id=bindparam("its_session"),
        call_id=bindparam("its_call"),
        tenant=bindparam("its_tenant"),
    )
)
_words: Final = bindparam("owner_words", type_=Text)
_MATCH_SQLITE: Final = _MATCH.values(search=_words + literal_column("' '") + _items.search)
_MATCH_POSTGRESQL: Final = _MATCH.values(search=cast(_words, TSVECTOR).op("||")(_items.search))


@attrs.frozen
class Keep:
    """Stores items in place of those with the same ids.

    Raises ``Conflict`` where the session was deleted meanwhile.
    """

    reported: Reported
    items: Sequence[TranscriptItem]

    def __call__(self, connection: Connection) -> int:
        """Carry it out in a transaction."""
        owner, is_sqlite = owner_of(self.reported), _is_sqlite(connection)
        _begin(connection, self.reported)
        replaced = _REPLACED_SQLITE if is_sqlite else _REPLACED_POSTGRESQL
        driver: Any = connection.connection.driver_connection
        numbers = Numbers(lambda *ends: driver.execute(_LAST_NUMBER, ends).fetchone()[0])
        for part in _parts(self.items):
            ids = [item.id for item in part]
            found = json.dumps(ids) if is_sqlite else ids
            which = {"its_owner": owner, "its_report": self.reported.report_id.value, "ids": found}
            shown = _shown_of(connection, connection.execute(replaced, which).all())
            if is_sqlite:
                rows = (
                    {**row, "number": numbers.next(row["created_at"])}
                    for row in self._rows(part, Fts5(), shown)
                )
                arguments = [*chain.from_iterable(map(_ADD_SQLITE.arguments, rows))]
                driver.execute(_add_sqlite(len(part)), arguments)
            else:
                values = [*self._rows(part, TsVector(), shown)]
                columns = {name: [row[name] for row in values] for name in _NAMES}
                connection.execute(_ADD_POSTGRESQL, columns)
        return len(self.items)

    def _rows(
        self, items: Sequence[TranscriptItem], language: SearchLanguage, shown: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        kept_at, owners = datetime.now(UTC), language.owner(owner_words(self.reported))
        for item in items:
            search = f"{owners} {language.words(item_words(item))}".strip()
            values = item_values(item, self.reported, kept_at)
            yield {**values, "search": search, "report_id": shown.get(item.id, values["report_id"])}


def _shown_of(connection: Connection, replaced: Sequence[Any]) -> Mapping[str, str]:
    """Return by item the reports of those that were seen, and stay so while theirs is coming."""
    by_item: dict[str, str] = {row.item_id: row.report_id for row in replaced}
    if not by_item:
        return by_item
    ids = {"ids": sorted(set(by_item.values()))}
    hidden = {*connection.execute(_HIDDEN, ids).scalars()}
    return {item: report for item, report in by_item.items() if report not in hidden}


@attrs.frozen
class Match:
    """Gives a report's items to its session, ``ahead`` some of them. Raises as :class:`Keep`."""

    reported: Reported
    ahead: bool = attrs.field(default=False, kw_only=True)

    def __call__(self, connection: Connection) -> int:
        """Carry it out in a transaction."""
        reported = self.reported
        assert reported.session_id is not None  # noqa: S101 - callers have looked
        is_sqlite = _is_sqlite(connection)
        _begin(connection, reported)
        language: SearchLanguage = Fts5() if is_sqlite else TsVector()
        values: Mapping[str, Any] = {
            "its_report": reported.report_id.value,
            "its_session": reported.session_id.value,
            "its_call": None if reported.call_id is None else reported.call_id.value,
            "its_tenant": reported.tenant,
            "owner_words": language.owner(owner_words(reported)),
        }
        match = _MATCH_SQLITE if is_sqlite else _MATCH_POSTGRESQL
        if self.ahead:
            return connection.execute(match, values).rowcount
        connection.execute(_REPLACED_BY_MATCH, values)
        matched = 0
        while changed := connection.execute(match, values).rowcount:
            matched += changed
        return matched


def _begin(connection: Connection, reported: Reported) -> None:
    """Let one transaction at a time change a session's transcript, while there is the session."""
    owner = {"its_owner": owner_of(reported)}
    lock_name(connection, Locked.TRANSCRIPT, owner["its_owner"])
    if reported.session_id is not None and connection.execute(_SESSION, owner).first() is None:
        raise Conflict("The session of this report has been deleted.")


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _parts(items: Sequence[TranscriptItem]) -> Iterator[Sequence[TranscriptItem]]:
    for begin in range(0, len(items), SLICE):
        yield items[begin : begin + SLICE]
