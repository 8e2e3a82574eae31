"""What is kept in a database, and what is no longer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
    true,
    tuple_,
)

from adapters.sqlalchemy.engine.database import AT_ONCE, Database
from adapters.sqlalchemy.engine.deletion import delete_some, key_of
from adapters.sqlalchemy.schema.tables import (
    CALL_IS_LIVE,
    SESSION_IS_LIVE,
    calls,
    idempotency,
    inbox,
    sessions,
)
from domain.calls.call import CallStatus
from domain.privacy.data_subject import SEPARATORS, DataSubject
from domain.privacy.personal_data import PersonalDataCounts
from domain.sessions.session_status import SessionStatus

Found = dict[Table, list[Any]]
"""Keys of rows, by their table."""

_STRETCH: Final = 10_000
"""Rows that one command looks through."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_TEXTS: Final[Mapping[Table, Mapping[str, Callable[[DataSubject, Any], bool]]]] = {
    sessions: {
        "room_name": DataSubject.is_in,
        "identity": DataSubject.is_called,
        "agent_config": DataSubject.is_in_config,
        "caller_number": DataSubject.is_in,
        "called_number": DataSubject.is_in,
    },
    calls: {
        "room_name": DataSubject.is_in,
        "participant_identity": DataSubject.is_called,
        "from_number": DataSubject.is_in,
        "to_number": DataSubject.is_in,
        "sip_call_id": DataSubject.is_in,
        "sip_call_id_full": DataSubject.is_in,
        "carrier_call_id": DataSubject.is_in,
    },
    inbox: {
        "room_name": DataSubject.is_in,
        "last_error": DataSubject.is_in,
        "body": DataSubject.is_in_event,
    },
    idempotency: {"key": DataSubject.is_in, "answer": DataSubject.is_in_answer},
}
"""The columns that may mention a person, and how to tell."""


class SqlPersonalData:
    """Implements :class:`domain.privacy.personal_data.PersonalData`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prune_sessions(self, before: datetime) -> int:
        """Delete sessions that ended before then; how many they were."""
        return await self._prune(sessions, [SessionStatus.ENDED.value], before)

    async def prune_calls(self, before: datetime) -> int:
        """Delete calls that ended before then; how many they were."""
        ended = [CallStatus.ENDED.value, CallStatus.FAILED.value]
        return await self._prune(calls, ended, before)

    async def _prune(self, table: Table, statuses: Sequence[str], before: datetime) -> int:
        # What ended before then was created before then, which an index finds.
        old = delete_some(
            table,
            table.c.status.in_(statuses),
            table.c.created_at < before,
            table.c.ended_at < before,
        )
        return await self._database.repeat(old)

    async def mentions(self, person: DataSubject) -> PersonalDataCounts:
        """What mentions ``person``."""
        return await self._counted(await self._find(person))

    async def forget(self, person: DataSubject) -> PersonalDataCounts:
        """Delete it; what it was. Cut short, it has deleted a part, and can be called again."""
        found = await self._find(person)
        counted = await self._counted(found)
        session_ids = frozenset(found[sessions])
        for table, keys in found.items():
            for part in _parts(keys):
                tells = partial(_tells, table=table, person=person, session_ids=session_ids)
                await self._database.transact(partial(_delete_if, tells, table, part))
        await self._database.scrub(person.traces)
        return counted

    async def _find(self, person: DataSubject) -> Found:
        """The keys of what mentions the person."""
        found: Found = {}
        for table in (sessions, calls, inbox):
            found[table] = [
                row[0]
                async for row in self._rows(table, person.traces)
                if _tells(row, table=table, person=person)
            ]
        theirs = frozenset(found[sessions])
        found[idempotency] = [
            (row.tenant, row.key)
            async for row in self._rows(idempotency)
            if _tells(row, table=idempotency, person=person, session_ids=theirs)
        ]
        return found

    async def _rows(self, table: Table, traces: Sequence[str] = ()) -> AsyncIterator[Row[Any]]:
        """Keys and texts of the table's rows, or of those that have one of ``traces`` in a text.

        They are looked through without a transaction and a stretch at a time, so that nobody waits
        for it and no command takes long.
        """
        key, keys, query = key_of(table), table.primary_key.columns, _keys_and_texts(table)
        texts = [table.c[name] for name in _TEXTS[table]]
        if traces:
            query = query.where(
                or_(*(self._has(text, trace) for text in texts for trace in traces))
            )
        rest: ColumnElement[bool] = true()
        while True:
            ends = select(*keys).where(rest).order_by(*keys).offset(_STRETCH).limit(1)
            end = await self._database.read_many(ends)
            stretch = rest if not end else and_(rest, key <= _value(end[0]))
            for row in await self._database.read_many(query.where(stretch)):
                yield row
            if not end:
                return
            rest = key > _value(end[0])

    def _has(self, text: Column[Any], trace: str) -> ColumnElement[bool]:
        """Whether ``trace`` is in the text once separators are left out."""
        if self._database.embedded:
            bare: ColumnElement[Any] = text
            for one in SEPARATORS:
                bare = func.replace(bare, one, "")
            return func.instr(bare, trace) > 0
        # A body need be no text; escaped it is, and what is not ASCII has a backslash.
        written = func.encode(text, "escape") if isinstance(text.type, LargeBinary) else text
        return func.strpos(func.translate(written, SEPARATORS, ""), trace) > 0

    async def _counted(self, found: Found) -> PersonalDataCounts:
        live = 0
        for table, is_live in ((sessions, SESSION_IS_LIVE), (calls, CALL_IS_LIVE)):
            for part in _parts(found[table]):
                query = select(func.count()).select_from(table).where(table.c.id.in_(part), is_live)
                live += (await self._database.read_many(query))[0][0]
        return PersonalDataCounts(
            sessions=len(found[sessions]),
            calls=len(found[calls]),
            events=len(found[inbox]),
            answers=len(found[idempotency]),
            live=live,
        )


def _value(row: Row[Any]) -> Any:
    return row[0] if len(row) == 1 else tuple_(*row)


def _keys_and_texts(table: Table) -> Select[Any]:
    texts = [table.c[name] for name in _TEXTS[table]]
    return select(*dict.fromkeys((*table.primary_key.columns, *texts)))


def _delete_if(
    tells: Callable[[Row[Any]], bool], table: Table, keys: Sequence[Any], connection: Connection
) -> int:
    """Delete those of the rows that still tell of the person, now that they are locked."""
    key = key_of(table)
    query = _keys_and_texts(table).where(key.in_(keys)).with_for_update()
    width = len(table.primary_key.columns)
    left = [tuple(row[:width]) for row in connection.execute(query) if tells(row)]
    values = left if width > 1 else [one for (one,) in left]
    return connection.execute(delete(table).where(key.in_(values))).rowcount


def _tells(
    row: Row[Any], *, table: Table, person: DataSubject, session_ids: Collection[str] = frozenset()
) -> bool:
    """Whether the row mentions the person or, as an answer, one of these sessions."""
    if table is idempotency and any(one in session_ids for one in _UUID.findall(row.answer or "")):
        return True
    return any(
        (text := getattr(row, name)) is not None and mentions(person, text)
        for name, mentions in _TEXTS[table].items()
    )


def _parts(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(keys), AT_ONCE):
        yield keys[begin : begin + AT_ONCE]
