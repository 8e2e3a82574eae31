"""Who goes on next: every fake stops at a step, and a test may choose the order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Any

_AnyTask = asyncio.Task[Any] | None

_driven: ContextVar[asyncio.Task[Any] | None] = ContextVar("driven", default=None)
"""The task that is driven; tasks that it makes belong to it."""


class Crashed(BaseException):
    """Stands for a process that died at a step: nothing after it was run."""


class Steps:
    """One step is one await of a fake.

    Outside :meth:`run` a step only yields to the event loop.
    """

    def __init__(self) -> None:
        self._driven = False
        self._parked: defaultdict[asyncio.Task[Any], dict[asyncio.Future[None], _AnyTask]] = (
            defaultdict(dict)
        )

    @property
    def is_driven(self) -> bool:
        """Whether a test chooses who goes on."""
        return self._driven

    async def __call__(self) -> None:
        task = _driven.get()
        if not self._driven or task is None:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._parked[task][future] = asyncio.current_task()
        try:
            await future
        finally:
            del self._parked[task][future]

    async def run(
        self,
        coroutines: Sequence[Coroutine[Any, Any, Any]],
        choices: Sequence[int] = (),
        after_each: Callable[[], None] = lambda: None,
    ) -> list[Any]:
        """Run ``coroutines`` step by step; their results, or the exceptions they ended with.

        ``choices`` tells which of those that wait goes on next (modulo their number); a negative
        choice ``~n`` crashes it there instead. When they are used up it is each one's turn.
        """
        self._driven = True
        try:
            tasks = [asyncio.create_task(self._begin(coroutine)) for coroutine in coroutines]
            remaining = iter(choices)
            step = 0
            while waiting := await self._waiting(tasks):
                choice = next(remaining, step)
                step += 1
                task = waiting[(choice if choice >= 0 else ~choice) % len(waiting)]
                if choice < 0:
                    self._crash(task)
                else:
                    next(iter(self._parked[task])).set_result(None)
                await self._settled(task)
                after_each()
            return [self._outcome(task) for task in tasks]
        finally:
            self._driven = False

    async def _begin(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        _driven.set(asyncio.current_task())
        try:
            await self()
        except BaseException:
            coroutine.close()
            raise
        return await coroutine

    def _crash(self, task: asyncio.Task[Any]) -> None:
        """It dies with all that it has begun."""
        for one in [task, *self._parked[task].values()]:
            if one is not None:
                one.cancel()

    async def _waiting(self, tasks: list[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
        for task in tasks:
            await self._settled(task)
        return [task for task in tasks if self._waits(task)]

    async def _settled(self, task: asyncio.Task[Any]) -> None:
        """Until ``task`` has ended or waits at a step."""
        for step in range(1000):
            await asyncio.sleep(0)
            # One that has ended may have begun what has not come to a step yet.
            if self._waits(task) or (task.done() and step > 2):
                return
        raise AssertionError("A task waits for something that is not a step.")

    def _waits(self, task: asyncio.Task[Any]) -> bool:
        return any(not future.done() for future in self._parked[task])

    @staticmethod
    def _outcome(task: asyncio.Task[Any]) -> Any:
        if task.cancelled():
            return Crashed()
        return task.exception() or task.result()
