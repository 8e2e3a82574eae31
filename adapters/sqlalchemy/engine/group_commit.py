"""Work that waits together is done together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar

import attrs

from adapters.sqlalchemy.engine.errors import storage_errors
from domain.shared.errors import DomainError, StorageUnavailable

Job = TypeVar("Job")
Outcome = Any | BaseException

Watch = Callable[[int, float], None]
"""Hears how many jobs a batch had, and for how many seconds the first had waited at its end."""

MOST_TOGETHER: Final = 64
MOST_WAITING: Final = 10_000


@attrs.frozen(eq=False)
class _Waiting(Generic[Job]):
    job: Job
    done: asyncio.Future[Any]
    since: float


class Batches(Generic[Job]):
    """Hands what waits to ``carry_out``, which answers each with its result or its error.

    A job that comes while others are carried out waits for the next batch; ``lanes`` is how many
    batches are under way at a time. Jobs with the same ``key`` are never in two of them.
    """

    def __init__(
        self,
        carry_out: Callable[[Sequence[Job]], Awaitable[Sequence[Outcome]]],
        lanes: int,
        watch: Watch | None = None,
        *,
        most_together: int = MOST_TOGETHER,
        key: Callable[[Job], object] | None = None,
    ) -> None:
        self._carry_out = carry_out
        self._lanes = lanes
        self._watch = watch
        self._most_together = most_together
        self._key = key
        self._keys_in_lanes: set[object] = set()
        self._waiting: deque[_Waiting[Job]] = deque()
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, job: Job) -> Any:
        """The job's result. It is carried out even if its caller is cancelled.

        Raises the domain's words for its error, and
        :class:`~domain.shared.errors.StorageUnavailable` where too many wait already.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise StorageUnavailable("The database is too busy: too many changes wait for it.")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(job, loop.create_future(), loop.time())
        self._waiting.append(waiting)
        if self._busy < self._lanes:
            self._busy += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting.done

    async def finished(self) -> None:
        """Return once nothing waits."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _work(self) -> None:
        try:
            while batch := self._next_batch():
                try:
                    outcomes = await self._carry_out([one.job for one in batch])
                except BaseException as error:  # noqa: BLE001 - each waiting caller gets it
                    outcomes = [error] * len(batch)
                if self._key is not None:
                    self._keys_in_lanes.difference_update(self._key(one.job) for one in batch)
                if self._watch is not None:
                    waited = asyncio.get_running_loop().time() - batch[0].since
                    self._watch(len(batch), waited)
                for one, outcome in zip(batch, outcomes, strict=True):
                    _tell(one.done, outcome)
                await asyncio.sleep(0)
        finally:
            self._busy -= 1  # not when the task is seen to be done, which is too late

    def _next_batch(self) -> list[_Waiting[Job]]:
        if self._key is None:
            together = min(len(self._waiting), self._most_together)
            return [self._waiting.popleft() for _ in range(together)]
        batch: list[_Waiting[Job]] = []
        passed_over: deque[_Waiting[Job]] = deque()
        while self._waiting and len(batch) < self._most_together:
            one = self._waiting.popleft()
            is_free = self._key(one.job) not in self._keys_in_lanes
            (batch if is_free else passed_over).append(one)
        self._waiting.extendleft(reversed(passed_over))
        self._keys_in_lanes.update(self._key(one.job) for one in batch)
        return batch


def _tell(done: asyncio.Future[Any], outcome: Outcome) -> None:
    if done.done():
        return  # its caller was cancelled
    if isinstance(outcome, BaseException):
        done.set_exception(_in_the_domains_words(outcome))
    else:
        done.set_result(outcome)


def _in_the_domains_words(error: BaseException) -> BaseException:
    try:
        with storage_errors():
            raise error
    except DomainError as translated:
        return translated
    except BaseException as translated:  # noqa: BLE001 - a defect, or the end of the process
        return translated
