"""Find and erase personal data in the columns that capabilities declare as personal."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import attrs
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Select,
    and_,
    delete,
    func,
    or_,
    select,
    true,
    tuple_,
)

from adapters.sqlalchemy.capability import Capability
from adapters.sqlalchemy.engine.database import AT_ONCE, Database
from adapters.sqlalchemy.engine.deletion import key_of
from domain.privacy.data_subject import SEPARATORS, DataSubject
from domain.privacy.personal_data import PersonalDataCounts

_STRETCH: Final = 10_000
"""Rows that one command looks through."""

_MOST_IDS: Final = 5_000
"""Ids that one command compares."""

_LENGTH: Final = 36
"""Of a column that is an id, rather than a text that may have one."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@attrs.frozen
class _Sought:
    """A person, and the ids of records that mention the person."""

    person: DataSubject
    ids: Collection[str] = frozenset()


class _Records:
    """The rows of one capability and their personal columns."""

    def __init__(self, capability: Capability) -> None:
        self.capability = capability
        self.table = capability.table
        self.key = key_of(self.table)
        self.keys = list(self.table.primary_key.columns)
        self.quoting = capability.quoting_columns
        self.quotes_only_ids = all(
            getattr(self.table.c[name].type, "length", None) == _LENGTH for name in self.quoting
        )
        self._mentions = capability.personal_columns
        self.texts: list[Column[Any]] = [self.table.c[name] for name in self._mentions]

    @property
    def query(self) -> Select[Any]:
        """Select the keys and personal texts of every row."""
        return select(*dict.fromkeys((*self.keys, *self.texts)))

    def key_in(self, row: Row[Any]) -> Any:
        """Return the row's key: a value, or a tuple if the key has several columns."""
        return row[0] if len(self.keys) == 1 else tuple(row[: len(self.keys)])

    def concerns(self, row: Row[Any], sought: _Sought) -> bool:
        """Return whether the row mentions the person or quotes one of the ids."""
        for name in self.quoting:
            if any(quoted in sought.ids for quoted in _UUID.findall(getattr(row, name) or "")):
                return True
        return any(
            (text := getattr(row, name)) is not None and mentions(sought.person, text)
            for name, mentions in self._mentions.items()
        )

    def delete(self, keys: Sequence[Any], sought: _Sought, connection: Connection) -> int:
        """Lock the rows and delete, or mark, those that still mention what is sought."""
        query = self.query.where(self.key.in_(keys)).with_for_update()
        found = connection.execute(query)
        left = [self.key_in(row) for row in found if self.concerns(row, sought)]
        which = self.key.in_(left)
        if self.capability.mark is not None:
            return connection.execute(self.capability.mark(which)).rowcount
        return connection.execute(delete(self.table).where(which)).rowcount


Found = dict[_Records, list[Any]]
"""The keys of rows, by capability."""


class SqlPersonalData:
    """Implements :class:`domain.privacy.personal_data.PersonalData`.

    Rows that quote ids are found after the rows with these ids, and deleted before them: an erasure
    that was interrupted finds them again when it is repeated.
    """

    def __init__(self, database: Database, capabilities: Iterable[Capability]) -> None:
        self._database = database
        records = [_Records(each) for each in capabilities if each.personal_columns]
        self._records = sorted(records, key=lambda each: bool(each.quoting))

    async def mentions(self, person: DataSubject) -> PersonalDataCounts:
        """What mentions ``person``."""
        return await self._counted(await self._find(person))

    async def forget(self, person: DataSubject) -> PersonalDataCounts:
        """Delete it; what it was. Cut short, it has deleted a part, and can be called again."""
        found = await self._find(person)
        counted = await self._counted(found)
        sought = _Sought(person, _ids(found))
        for records, keys in reversed(found.items()):
            for part in _parts(keys):
                await self._database.transact(partial(records.delete, part, sought))
        await self._database.scrub(person.traces)
        return counted

    async def _find(self, person: DataSubject) -> Found:
        """The keys of what mentions the person."""
        found: Found = {}
        for records in self._records:
            sought = _Sought(person, _ids(found))
            found[records] = [
                records.key_in(row)
                async for row in self._rows(records, self._candidates(records, sought))
                if records.concerns(row, sought)
            ]
        return found

    def _candidates(self, records: _Records, sought: _Sought) -> ColumnElement[bool]:
        """Which rows may concern the person: a row that quotes an id need have no trace."""
        if records.quoting and not (records.quotes_only_ids and len(sought.ids) <= _MOST_IDS):
            return true()
        traces = sought.person.traces
        return or_(
            *(self._has(text, trace) for text in records.texts for trace in traces),
            *(records.table.c[name].in_([*sought.ids]) for name in records.quoting),
        )

    async def _rows(
        self, records: _Records, candidates: ColumnElement[bool]
    ) -> AsyncIterator[Row[Any]]:
        """Keys and texts of the rows that are ``candidates``.

        They are looked through without a transaction and a stretch at a time, so that no request
        waits for it and no command takes long.
        """
        key, keys, query = records.key, records.keys, records.query.where(candidates)
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
            for separator in SEPARATORS:
                bare = func.replace(bare, separator, "")
            return func.instr(bare, trace) > 0
        # A body need be no text; escaped it is, and what is not ASCII has a backslash.
        written = func.encode(text, "escape") if isinstance(text.type, LargeBinary) else text
        return func.strpos(func.translate(written, SEPARATORS, ""), trace) > 0

    async def _counted(self, found: Found) -> PersonalDataCounts:
        live = 0
        for records, keys in found.items():
            is_live = records.capability.is_live
            if is_live is None:
                continue
            for part in _parts(keys):
                query = select(func.count()).select_from(records.table)
                query = query.where(records.key.in_(part), is_live)
                live += (await self._database.read_many(query))[0][0]
        counts = {each.capability.counted_as: len(keys) for each, keys in found.items()}
        return PersonalDataCounts(**counts, live=live)


def _ids(found: Found) -> frozenset[str]:
    return frozenset(key for keys in found.values() for key in keys if isinstance(key, str))


def _value(row: Row[Any]) -> Any:
    return row[0] if len(row) == 1 else tuple_(*row)


def _parts(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(keys), AT_ONCE):
        yield keys[begin : begin + AT_ONCE]
