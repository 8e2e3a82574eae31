"""Changes that wait for their transaction, and share one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import Executable
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.sqlalchemy.errors import storage_errors
from domain.errors import Conflict, DomainError, StorageUnavailable

MOST_TOGETHER: Final = 64
"""Units that share one transaction."""
MOST_WAITING: Final = 10_000


@attrs.frozen
class Write:
    """A statement and its parameters; ``must_change`` makes it an error if it changes no row."""

    statement: Executable
    values: Mapping[str, Any]
    must_change: bool = True

    async def carry_out(self, connection: AsyncConnection) -> int:
        """How many rows it has changed; raises :class:`~domain.errors.Conflict` if it must."""
        result = await connection.execute(self.statement, self.values)
        if result.rowcount == 0 and self.must_change:
            raise Conflict("What was to be changed has been changed by somebody else.")
        return result.rowcount


@attrs.frozen(eq=False)
class _Unit:
    """Writes that are done all or not at all, and who waits for that."""

    writes: Sequence[Write]
    done: asyncio.Future[list[int]]

    async def carry_out(self, connection: AsyncConnection) -> list[int]:
        return [await write.carry_out(connection) for write in self.writes]


class Writer:
    """Commits what waits together in one transaction: a commit costs the same for all of it.

    Each unit returns after its commit. One that fails is undone alone: its batch is then carried
    out again unit by unit, which is rare. ``lanes`` is how many transactions go on at a time.
    """

    def __init__(self, engine: AsyncEngine, lanes: int) -> None:
        self._engine = engine
        self._lanes = lanes
        self._waiting: deque[_Unit] = deque()
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def commit(self, writes: Sequence[Write]) -> list[int]:
        """The numbers of rows that ``writes`` changed, once they are durable.

        Raises :class:`~domain.errors.Conflict` or :class:`~domain.errors.StorageUnavailable`.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise StorageUnavailable("The database is too busy: too many changes wait for it.")
        unit = _Unit(writes, asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        if self._busy < self._lanes:
            self._busy += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await unit.done

    async def finished(self) -> None:
        """Return once nothing waits."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _work(self) -> None:
        try:
            while self._waiting:
                together = min(len(self._waiting), MOST_TOGETHER)
                units = [self._waiting.popleft() for _ in range(together)]
                if len(units) == 1 or not await self._commit(units):
                    for unit in units:
                        await self._commit_alone(unit)
        finally:
            self._busy -= 1  # not when the task is seen to be done, which is too late

    async def _commit(self, units: list[_Unit]) -> bool:
        """Commit all of them; False if the transaction is undone for the sake of one of them."""
        try:
            async with self._engine.begin() as connection:
                changed = [await unit.carry_out(connection) for unit in units]
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            if isinstance(error, Conflict | IntegrityError) or _is_deadlock(error):
                return False
            for unit in units:
                _tell(unit, error)
            return True
        for unit, rows in zip(units, changed, strict=True):
            if not unit.done.done():
                unit.done.set_result(rows)
        return True

    async def _commit_alone(self, unit: _Unit) -> None:
        try:
            async with self._engine.begin() as connection:
                rows = await unit.carry_out(connection)
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            _tell(unit, error)
            return
        if not unit.done.done():
            unit.done.set_result(rows)


def _is_deadlock(error: BaseException) -> bool:
    """Whether PostgreSQL has undone a transaction because of another one (class 40)."""
    code = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return (code or "").startswith("40")


def _tell(unit: _Unit, error: BaseException) -> None:
    """Let the one who waits have ``error`` in the domain's words."""
    try:
        with storage_errors():
            raise error
    except DomainError as told:
        answer: BaseException = told
    except BaseException as told:  # noqa: BLE001 - a defect, or the end of the process
        answer = told
    if not unit.done.done():
        unit.done.set_exception(answer)
