"""Changes and reads that PostgreSQL's driver takes in bulk: a round trip for the rows of many.

SQLAlchemy writes the statements, once; the rows pass it by. A change of one row is a statement that
commits by itself, without BEGIN and COMMIT around it: many such are sent together
(``asyncpg.Connection.fetchmany``), new rows as columns (``unnest``). Changes that belong together
have a transaction.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar

import asyncpg
import attrs
from cachetools import LRUCache
from sqlalchemy import Connection, Executable, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only, greenlet_spawn

from adapters.sqlalchemy.engine.bulk_statements import NUMBER, compiled_change, compiled_reads
from adapters.sqlalchemy.engine.compiled import Compiled, compiled
from adapters.sqlalchemy.engine.fail_over import FailOver
from adapters.sqlalchemy.engine.group_commit import Outcome
from adapters.sqlalchemy.engine.record import Record
from adapters.sqlalchemy.engine.write import Scalar, Unit, Work, Write, changed_by_others
from domain.shared.errors import Conflict

Result = TypeVar("Result")

_MOST_STATEMENTS: Final = 256
_ASK_AGAIN_SECONDS: Final = 10
"""For how long a pooler is taken to be between after it was."""
_ENDED: Final = ("08", "57P")
_DRIVERS_OWN: Final = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Errors that leave the state of a connection unknown."""


class NotInBulk(Exception):
    """Nothing was changed; the database ``has_refused`` one of the units, or was not asked."""

    def __init__(self, *, has_refused: bool = False) -> None:
        super().__init__()
        self.has_refused = has_refused


def writes_of(units: Sequence[Unit]) -> list[Sequence[Write]]:
    """Return ``units``, of one shape, if the driver can take them, else nothing."""
    return [writes for unit in units if (writes := _keyed(unit))]


def shape_of(unit: Unit) -> int:
    """Return what is the same for units that share a commit: their only statement, if they have."""
    writes = _keyed(unit)
    return 0 if not writes else id(writes[0].statement) if len(writes) == 1 else 1


def _keyed(unit: Unit) -> Sequence[Write]:
    """Return the writes of ``unit`` if each has a key and there is no work beside them."""
    if isinstance(unit, Work):
        return ()
    writes = [change for change in unit if isinstance(change, Write) and change.key is not None]
    return writes if len(writes) == len(unit) else ()


@attrs.define
class Bulk:
    """Gives units and reads to connections of ``engine``.

    Not through a pooler, where sessions have no prepared statements.
    """

    _engine: AsyncEngine
    _fail_over: FailOver
    _can_carry: Callable[[Connection], bool]
    _not_before: float = attrs.field(default=-math.inf, init=False)
    _writes: LRUCache[Executable, Compiled] = attrs.field(
        factory=lambda: LRUCache(_MOST_STATEMENTS), init=False
    )
    _reads: LRUCache[Executable, tuple[Compiled, Compiled] | None] = attrs.field(
        factory=lambda: LRUCache(_MOST_STATEMENTS), init=False
    )

    async def write(self, units: Sequence[Sequence[Write]]) -> Sequence[Outcome]:
        """The outcome of each unit, in one commit.

        Raises :class:`NotInBulk`, ``DBAPIError`` if the connection was lost, when the changes may
        have been made, or ``TimeoutError``.
        """
        writes = [write for unit in units for write in unit]
        is_one_statement = len(units) == len(writes) == len({write.key for write in writes})
        is_one_statement &= len({id(write.statement) for write in writes}) == 1

        async def act(driver: asyncpg.Connection) -> Sequence[Outcome]:
            if is_one_statement:
                return await self._in_order(driver, units)
            async with driver.transaction():
                outcomes = await self._in_order(driver, units)
                if any(isinstance(outcome, Conflict) for outcome in outcomes):
                    raise changed_by_others()
                return outcomes

        return await self._on_connection(act)

    async def values(self, works: Sequence[Scalar]) -> Sequence[Outcome]:
        """The value that each of ``works``, of one statement, returns, in one commit.

        Raises as :meth:`write`.
        """
        places = sorted(range(len(works)), key=lambda place: works[place].lock or ())
        text = self._text(works[0])

        async def act(driver: asyncpg.Connection) -> Sequence[Outcome]:
            rows = [text.arguments(works[place].values) for place in places]
            found = zip(places, await driver.fetchmany(text.sql, rows), strict=True)
            return [row[0] for _, row in sorted(found, key=lambda pair: pair[0])]

        return await self._on_connection(act)

    async def change_each(
        self, change: Executable, each: Sequence[Mapping[str, Any]]
    ) -> Sequence[Record]:
        """The rows that ``change`` returns for ``each`` of the values, in one commit.

        Raises as :meth:`write`.
        """
        text = self._writes.get(change)
        if text is None:
            text = self._writes[change] = compiled(self._engine.dialect, change)

        async def act(driver: asyncpg.Connection) -> Sequence[Record]:
            rows = [text.arguments(values) for values in each]
            found: Sequence[Record] = await driver.fetchmany(text.sql, rows, record_class=Record)
            return found

        return await self._on_connection(act)

    async def _in_order(
        self, driver: asyncpg.Connection, units: Sequence[Sequence[Write]]
    ) -> Sequence[Outcome]:
        """Carry out all changes in the order of their locks; for one row, in the order given."""
        changed: dict[int, int] = {}
        ordered = sorted((write for unit in units for write in unit), key=lambda write: write.lock)
        for _, group in groupby(ordered, key=lambda write: id(write.statement)):
            same = list(group)
            rows = await self._same(driver, same)
            changed.update(zip(map(id, same), rows, strict=True))
        return [_outcome(unit, [changed[id(write)] for write in unit]) for unit in units]

    async def _same(self, driver: asyncpg.Connection, writes: Sequence[Write]) -> list[int]:
        """How many rows each of ``writes``, of one statement, has changed."""
        text = self._text(writes[0])
        if text.many is not None and len(writes) > 1:
            found = await driver.fetch(text.many, *text.columns([write.values for write in writes]))
        else:
            found = await driver.fetchmany(
                text.sql, [text.arguments(write.values) for write in writes]
            )
        keys = Counter(row[0] for row in found)
        changed = []
        for write in writes:
            changed.append(int(keys[write.key] > 0))
            keys[write.key] -= 1  # a second row with this key has changed nothing
        return changed

    def _text(self, change: Write | Scalar) -> Compiled:
        found = self._writes.get(change.statement)
        if found is None:
            found = compiled_change(self._engine.dialect, change)
            self._writes[change.statement] = found
        return found

    async def read(
        self, query: Select[Any], values: Sequence[Mapping[str, Any]]
    ) -> Sequence[Sequence[Record]]:
        """The rows of ``query`` for each of ``values``. Raises as :meth:`write`."""
        if query not in self._reads:
            self._reads[query] = None  # one that is made for a single request is not worth it
            raise NotInBulk
        statements = self._reads[query]
        if statements is None:
            dialect = self._engine.dialect
            statements = (
                compiled(dialect, query),
                compiled_reads(dialect, query, values[0]),
            )
            self._reads[query] = statements
        one, many = statements

        async def act(driver: asyncpg.Connection) -> Sequence[Sequence[Record]]:
            if len(values) == 1:
                arguments = one.arguments(values[0])
                return [await driver.fetch(one.sql, *arguments, record_class=Record)]
            found: list[list[Record]] = [[] for _ in values]
            for row in await driver.fetch(many.sql, *many.columns(values), record_class=Record):
                found[row[NUMBER] - 1].append(row)
            return found

        return await self._on_connection(act)

    async def _on_connection(
        self, act: Callable[[asyncpg.Connection], Awaitable[Result]]
    ) -> Result:
        def on_connection() -> Result:
            with self._engine.sync_engine.connect() as connection:
                driver = connection.connection.driver_connection
                if not self._can_carry(connection):
                    self._not_before = time.monotonic() + _ASK_AGAIN_SECONDS
                    raise NotInBulk
                if driver is None or driver.is_closed():
                    raise NotInBulk
                try:
                    return await_only(act(driver))
                except Conflict:
                    raise NotInBulk(has_refused=True) from None
                except Exception as error:
                    raise self._failure(error, connection, driver) from error

        if time.monotonic() < self._not_before:
            raise NotInBulk
        return await greenlet_spawn(on_connection)

    def _failure(
        self, error: Exception, connection: Connection, driver: asyncpg.Connection
    ) -> Exception:
        if isinstance(error, TimeoutError):  # the state of the connection is unknown
            self._fail_over.was_silent()
            connection.invalidate(error)
            return error
        code = getattr(error, "sqlstate", None) or ""
        # A value that the driver cannot send is a ValueError too.
        is_its_own = isinstance(error, _DRIVERS_OWN) and not isinstance(error, ValueError)
        if is_its_own or driver.is_closed() or code.startswith(_ENDED):
            connection.invalidate(error)
            return DBAPIError("", None, error, connection_invalidated=True)
        return NotInBulk(has_refused=True)


def _outcome(unit: Sequence[Write], changed: list[int]) -> Outcome:
    missed = any(write.must_change and not rows for write, rows in zip(unit, changed, strict=True))
    return changed_by_others() if missed else changed
