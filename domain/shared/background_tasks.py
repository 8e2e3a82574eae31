"""Work that goes on after the request that began it was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import attrs


@attrs.frozen(eq=False)
class BackgroundTasks:
    """Keeps tasks alive until they are done, as the event loop itself does not."""

    _tasks: set[asyncio.Task[Any]] = attrs.field(factory=set, init=False)

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin ``work`` without waiting for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Return once all that is under way now has ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)
