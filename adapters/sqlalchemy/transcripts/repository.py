"""What was said, in a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Executable,
    Integer,
    Select,
    bindparam,
    func,
    select,
    tuple_,
)

from adapters.sqlalchemy.engine.database import Database
from adapters.sqlalchemy.engine.deletion import delete_some
from adapters.sqlalchemy.engine.errors import storage_errors
from adapters.sqlalchemy.engine.lookup import Lookup
from adapters.sqlalchemy.engine.page import of_tenants
from adapters.sqlalchemy.engine.scrub import merge_word_indexes
from adapters.sqlalchemy.engine.utc_datetime import UtcDateTime
from adapters.sqlalchemy.engine.write import Work
from adapters.sqlalchemy.reports import reports
from adapters.sqlalchemy.transcripts.changes import (
    COUNT_UNMATCHED,
    MATCHED_AT_ONCE,
    Keep,
    Match,
)
from adapters.sqlalchemy.transcripts.mapping import owner_of, to_found_item, to_item
from adapters.sqlalchemy.transcripts.search import (
    ALL_BUT_WORDS,
    IS_SHOWN,
    among_newest,
    by_fts5,
    by_index,
)
from adapters.sqlalchemy.transcripts.table import transcript_items
from domain.access.access import Access, Tenants
from domain.reports.report import Part
from domain.shared.identifiers import SessionId
from domain.shared.pagination import Cursor
from domain.shared.reported import Reported
from domain.transcripts.item import TranscriptItem
from domain.transcripts.policy import TranscriptPolicy
from domain.transcripts.repository import FoundItem, TranscriptSearch

_PAGE: Final = 200
"""Items that one command reads; each may have a hundred kilobytes."""

_items: Final = transcript_items.c
_COUNT: Final = (
    select(func.count())
    .select_from(transcript_items)
    .where(_items.owner.in_((bindparam("its_report"), bindparam("its_session"))))
    .where(_items.report_id == bindparam("its_report"))
)
_ORDER: Final = (_items.created_at, _items.position, _items.number)
_OF_SESSION: Final = (
    select(*ALL_BUT_WORDS)
    .where(_items.session_id == bindparam("its_session"), IS_SHOWN)
    .order_by(*_ORDER)
    .limit(_PAGE)
)
_REST_OF_SESSION: Final = _OF_SESSION.where(
    tuple_(*_ORDER)
    > tuple_(
        bindparam("after_time", type_=UtcDateTime),
        bindparam("after_position", type_=Integer),
        bindparam("after_number", type_=BigInteger),
    )
)
_IS_PARTIAL: Final = Lookup(
    select(reports.c.id).where(
        reports.c.session_id == bindparam("wanted"), reports.c.transcript == Part.PARTIAL.value
    )
)
_PRUNE: Final[Executable] = delete_some(transcript_items, _items.kept_at < bindparam("before"))


class SqlTranscripts:
    """Implements :class:`domain.transcripts.repository.Transcripts`.

    Changes are appended to ``works``, for the unit of work to carry out.
    """

    def __init__(self, database: Database, works: list[Work], policy: TranscriptPolicy) -> None:
        self._database = database
        self._works = works
        self._policy = policy

    async def keep(self, reported: Reported, items: Sequence[TranscriptItem]) -> int:
        """Store the items of a report at commit; return how many are kept."""
        if self._policy.redactor is not None:  # it takes long
            items = await asyncio.to_thread(self._policy.kept, items)
        else:
            items = self._policy.kept(items)
        kept = [*{item.id: item for item in items}.values()]
        if kept:
            self._works.append(Work(Keep(reported, kept), _lock(reported)))
        return len(kept)

    async def match(self, reported: Reported) -> int:
        """Give a report's items to its session at commit; return how many they are."""
        if reported.session_id is None:
            return 0
        number = await self._count(_COUNT, reported)
        if number:
            self._works.append(Work(Match(reported), _lock(reported)))
        return number

    async def match_ahead(self, reported: Reported) -> bool:
        """Give some of a report's items to its session at commit, if there are many."""
        are_many = await self._count(COUNT_UNMATCHED, reported) > MATCHED_AT_ONCE
        if are_many:
            self._works.append(Work(Match(reported, ahead=True), _lock(reported)))
        return are_many

    async def _count(self, query: Select[Any], reported: Reported) -> int:
        assert reported.session_id is not None  # noqa: S101 - callers have looked
        values = {
            "its_report": reported.report_id.value,
            "its_session": reported.session_id.value,
        }
        return int((await self._database.read_many(query, values))[0][0])


def _lock(reported: Reported) -> tuple[str, str]:
    return "transcript_items", owner_of(reported)


class SqlTranscriptReader:
    """Implements :class:`domain.transcripts.repository.TranscriptReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_session(
        self, session_id: SessionId, access: Access
    ) -> AsyncIterator[Sequence[TranscriptItem]]:
        """Yield the session's visible items in the order of their times, some at a time."""
        query = of_tenants(_OF_SESSION, transcript_items, access.tenants)
        values: dict[str, Any] = {"its_session": session_id.value}
        while rows := await self._database.read_many(query, values):
            yield [to_item(row) for row in rows]
            if len(rows) < _PAGE:
                return
            last = rows[-1]
            query = of_tenants(_REST_OF_SESSION, transcript_items, access.tenants)
            values |= {
                "after_time": last.created_at,
                "after_position": last.position,
                "after_number": last.number,
            }

    async def is_partial(self, session_id: SessionId) -> bool:
        """Return whether only some of a report's items are known, as it was cut short."""
        return bool(await self._database.read(_IS_PARTIAL, {"wanted": session_id.value}))

    async def search(
        self, wanted: TranscriptSearch, after: Cursor | None, limit: int, access: Access
    ) -> Sequence[FoundItem]:
        """Return the newest ``limit`` visible items that are wanted, of those after ``after``."""
        asked = wanted, after, limit, access.tenants
        if self._database.embedded:
            rows = await self._database.read_many(by_fts5(*asked))
        else:
            rows = await self._by_tsvector(asked)
        return [to_found_item(row) for row in rows]

    async def _by_tsvector(
        self, asked: tuple[TranscriptSearch, Cursor | None, int, Tenants]
    ) -> Sequence[Any]:
        wanted, _, limit, _ = asked
        if wanted.session_id is None and wanted.call_id is None:
            rows = await self._database.read_many(among_newest(*asked))
            if len(rows) == limit or rows[0].is_all:
                return [row for row in rows if row.number is not None]
        return await self._database.read_many(by_index(*asked))

    async def prune(self, before: datetime) -> int:
        """Delete the items that were stored before then; how many they were."""
        pruned = await self._database.repeat(_PRUNE, {"before": before})
        if pruned:
            await forget_words(self._database)
        return pruned


async def forget_words(database: Database) -> None:
    """Remove deleted words from SQLite's index, too."""
    if database.embedded:
        with storage_errors():
            await asyncio.to_thread(merge_word_indexes, Path(database.url.database or ""))
