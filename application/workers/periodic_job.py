"""Work that one process at a time does, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import attrs
import structlog

from domain.operations.leases import Leases
from domain.operations.liveness import Liveness, NeverDeclaredDead
from domain.shared.clock import Clock
from domain.shared.errors import DomainError
from domain.shared.ids import IdGenerator

log = structlog.get_logger()


@attrs.frozen(kw_only=True)
class PeriodicJob:
    """Runs ``job`` every ``interval``, in one process of all that share the lease ``name``.

    ``lease`` is how soon another process takes over from one that was killed at it and was not
    registered. A run that has lost its lease is cancelled.
    """

    name: str
    job: Callable[[], Awaitable[object]]
    interval: timedelta
    leases: Leases
    clock: Clock
    ids: IdGenerator
    liveness: Liveness = attrs.field(factory=NeverDeclaredDead)
    lease: timedelta = timedelta(seconds=4)

    async def run(self) -> None:
        """Work until cancelled."""
        holder = self.ids.claim_holder()
        look_again = min(self.interval / 2, timedelta(seconds=1))
        while True:
            if self.liveness.may_have_lost(holder):
                holder = self.ids.claim_holder()
            try:
                await self._run_once(holder)
            except DomainError as error:
                log.warning("job failed", job=self.name, reason=str(error))
            except Exception:
                log.exception("job failed", job=self.name)
            await self.clock.sleep(look_again)

    async def _run_once(self, holder: str) -> None:
        began = self.clock.now()
        if not await self._acquire(holder):
            return
        running = asyncio.ensure_future(self.job())
        keeping = asyncio.create_task(self._keep(holder))
        try:
            await asyncio.wait([running, keeping], return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                keeping.result()
                log.warning("job stopped: its lease was lost", job=self.name)
                return
            await running
        finally:
            for task in (running, keeping):
                task.cancel()
            await asyncio.gather(running, keeping, return_exceptions=True)
            await self.leases.release(self.name, holder, began + self.interval)

    async def _keep(self, holder: str) -> None:
        """Renew the lease; return once another process holds it."""
        while True:
            await self.clock.sleep(self.lease / 3)
            try:
                if not await self._acquire(holder):
                    return
            except DomainError as error:
                log.warning("lease not renewed", job=self.name, reason=str(error))

    async def _acquire(self, holder: str) -> bool:
        now = self.clock.now()
        # Twice what it can be, for the clocks of two replicas.
        longest = 2 * max(self.lease, self.interval)
        return await self.leases.acquire(self.name, holder, now, now + self.lease, longest)
