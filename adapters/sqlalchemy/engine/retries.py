"""Changes whose rows another transaction has locked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

from cachetools import LRUCache

from adapters.sqlalchemy.engine.errors import RowLocked
from adapters.sqlalchemy.engine.group_commit import Batches
from adapters.sqlalchemy.engine.write import Lock, Unit, locks_of

_FIRST_PAUSE: Final = 0.025
_LONGEST_PAUSE: Final = 0.25
_MOST_REMEMBERED: Final = 1000


class Retries:
    """Carries out units in ``batches``, and those that could not get a lock in ``alone``.

    Such a unit is tried again until ``patience`` is over, and holds no connection between two
    attempts. Until one gets the lock, later units with the same lock join it here, each in its
    turn, so that a batch waits for that lock at most once.
    """

    def __init__(self, batches: Batches[Unit], alone: Batches[Unit], patience: timedelta) -> None:
        self._batches = batches
        self._alone = alone
        self._patience = patience.total_seconds()
        self._turns: LRUCache[Lock, asyncio.Lock] = LRUCache(_MOST_REMEMBERED)

    async def do(self, unit: Unit, *, urgent: bool = True) -> Any:
        """The unit's result. Raises as :meth:`Batches.do`, :class:`RowLocked` for its own lock."""
        locks = locks_of(unit) if self._turns else []
        if not any(lock in self._turns for lock in locks):
            try:
                return await self._batches.do(unit, urgent=urgent)
            except RowLocked as error:
                locks = [] if error.lock is None else [error.lock]
        else:
            locks = [lock for lock in locks if lock in self._turns]
        return await self._in_turn(unit, locks)

    async def finished(self) -> None:
        """Return once nothing waits for a lane."""
        await self._alone.finished()

    async def _in_turn(self, unit: Unit, locks: Sequence[Lock]) -> Any:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        for lock in locks:
            self._turns.setdefault(lock, asyncio.Lock())
        async with AsyncExitStack() as turns:
            try:
                async with asyncio.timeout_at(deadline):
                    for turn in [self._turns[lock] for lock in locks]:
                        await turns.enter_async_context(turn)
                    if loop.time() + _FIRST_PAUSE > deadline:
                        raise TimeoutError  # as for the one before, which has waited for as long
            except TimeoutError:
                raise RowLocked(
                    "The database is in use: others wait for the same lock; try again."
                ) from None
            return await self._until(unit, locks, deadline)

    async def _until(self, unit: Unit, locks: Sequence[Lock], deadline: float) -> Any:
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
        while True:
            try:
                result = await self._alone.do(unit)
            except RowLocked:
                if loop.time() + pause > deadline:
                    raise
            except BaseException:
                self._forget(locks)
                raise
            else:
                self._forget(locks)
                return result
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _forget(self, locks: Sequence[Lock]) -> None:
        for lock in locks:
            self._turns.pop(lock, None)
