"""Work that waits together is done together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
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
_MOST_PASSED_OVER: Final = 256
LONGEST_DEFERRAL_SECONDS: Final = 0.02
"""How long a job that is not urgent may wait for a batch to join."""


@attrs.define(eq=False)
class _Waiting(Generic[Job]):
    job: Job
    kind: Hashable
    done: asyncio.Future[Any]
    since: float


@attrs.define(eq=False)
class Batches(Generic[Job]):
    """Hands what waits to ``carry_out``, which answers each with its result or its error.

    A job that comes while others are carried out waits for the next batch; ``lanes`` is how many
    batches are under way at a time. Jobs with the same ``key`` are never in two of them, and a
    batch has jobs of one ``kind``.

    A job that is not urgent begins no batch for 20 ms. It joins the next one or, with
    ``defer_apart``, waits for others of its kind, so that no urgent job takes longer for it. An
    urgent job with one of the same ``locks`` comes after it.
    """

    _carry_out: Callable[[Sequence[Job]], Awaitable[Sequence[Outcome]]]
    _lanes: int
    _watch: Watch | None = None
    _most_together: int = attrs.field(default=MOST_TOGETHER, kw_only=True)
    _key: Callable[[Job], object] | None = attrs.field(default=None, kw_only=True)
    _kind: Callable[[Job], Hashable] | None = attrs.field(default=None, kw_only=True)
    _locks: Callable[[Job], Iterable[Hashable]] = attrs.field(default=lambda _job: (), kw_only=True)
    _defer_apart: bool = attrs.field(default=False, kw_only=True)
    _keys_in_lanes: set[object] = attrs.field(factory=set, init=False)
    _waiting: deque[_Waiting[Job]] = attrs.field(factory=deque, init=False)
    _deferred: list[_Waiting[Job]] = attrs.field(factory=list, init=False)
    _deferred_locks: set[Hashable] = attrs.field(factory=set, init=False)
    _timer: asyncio.TimerHandle | None = attrs.field(default=None, init=False)
    _busy: int = attrs.field(default=0, init=False)
    _tasks: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)

    @property
    def is_idle(self) -> bool:
        """Whether no batch is under way."""
        return self._busy == 0

    async def do(self, job: Job, *, urgent: bool = True) -> Any:
        """The job's result. It is carried out even if its caller is cancelled.

        Raises the domain's words for its error, and
        :class:`~domain.shared.errors.StorageUnavailable` where too many wait already.
        """
        if len(self._waiting) + len(self._deferred) >= MOST_WAITING:
            raise StorageUnavailable("The database is too busy: too many changes wait for it.")
        loop = asyncio.get_running_loop()
        kind = None if self._kind is None else self._kind(job)
        waiting = _Waiting(job, kind, loop.create_future(), loop.time())
        if urgent:
            if self._deferred_locks and not self._deferred_locks.isdisjoint(self._locks(job)):
                self._end_deferral()
            self._waiting.append(waiting)
            self._start()
        else:
            self._defer(waiting)
        return await waiting.done

    async def finished(self) -> None:
        """Return once nothing waits."""
        self._end_deferral()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _defer(self, waiting: _Waiting[Job]) -> None:
        self._deferred.append(waiting)
        self._deferred_locks.update(self._locks(waiting.job))
        if len(self._deferred) >= self._most_together:
            self._end_deferral()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LONGEST_DEFERRAL_SECONDS, self._end_deferral)

    def _end_deferral(self) -> None:
        if self._take_deferred():
            self._start()

    def _take_deferred(self) -> bool:
        """Let what was deferred wait as the rest does; return whether there was any."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        found, now = bool(self._deferred), asyncio.get_running_loop().time()
        for waiting in self._deferred:
            waiting.since = now
        self._waiting.extend(self._deferred)
        self._deferred.clear()
        self._deferred_locks.clear()
        return found

    def _start(self) -> None:
        if self._busy < self._lanes:
            self._busy += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while batch := self._next_batch():
                try:
                    outcomes = await self._carry_out([waiting.job for waiting in batch])
                except BaseException as error:  # noqa: BLE001 - each waiting caller gets it
                    outcomes = [error] * len(batch)
                if self._key is not None:
                    self._keys_in_lanes.difference_update(
                        self._key(waiting.job) for waiting in batch
                    )
                if self._watch is not None:
                    waited = asyncio.get_running_loop().time() - batch[0].since
                    self._watch(len(batch), waited)
                for waiting, outcome in zip(batch, outcomes, strict=True):
                    _tell(waiting.done, outcome)
                await asyncio.sleep(0)
        finally:
            self._busy -= 1  # not when the task is seen to be done, which is too late

    def _next_batch(self) -> list[_Waiting[Job]]:
        if self._waiting and not self._defer_apart:
            self._take_deferred()
        if self._key is None and self._kind is None:
            together = min(len(self._waiting), self._most_together)
            return [self._waiting.popleft() for _ in range(together)]
        batch: list[_Waiting[Job]] = []
        passed_over: deque[_Waiting[Job]] = deque()
        while self._waiting and len(batch) < self._most_together:
            if batch and len(passed_over) >= _MOST_PASSED_OVER:
                break
            waiting = self._waiting.popleft()
            fits = self._is_free(waiting) and (not batch or waiting.kind == batch[0].kind)
            (batch if fits else passed_over).append(waiting)
        self._waiting.extendleft(reversed(passed_over))
        if self._key is not None:
            self._keys_in_lanes.update(self._key(waiting.job) for waiting in batch)
        return batch

    def _is_free(self, waiting: _Waiting[Job]) -> bool:
        return self._key is None or self._key(waiting.job) not in self._keys_in_lanes


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
