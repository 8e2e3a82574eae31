"""Background jobs that are run as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

import attrs


class Job(Protocol):
    """Work that goes on until it is cancelled."""

    def run(self) -> Awaitable[None]:
        """Work until cancelled."""
        ...


@attrs.frozen
class JobGroup:
    """Runs ``jobs`` side by side; there may be none."""

    jobs: Sequence[Job]

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(*(job.run() for job in self.jobs))
