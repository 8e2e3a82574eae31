"""Work that one process at a time does, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import attrs
import structlog

from domain.errors import DomainError
from domain.ports.clock import Clock
from domain.ports.ids import IdGenerator
from domain.ports.leases import Leases

log = structlog.get_logger()


@attrs.frozen(kw_only=True)
class PeriodicJob:
    """Runs ``job`` every ``interval``, in one process of all that share the lease ``name``.

    ``lease`` is how soon another process takes over from one that was killed at it.
    """

    name: str
    job: Callable[[], Awaitable[None]]
    interval: timedelta
    leases: Leases
    clock: Clock
    ids: IdGenerator
    lease: timedelta = timedelta(seconds=4)

    async def run(self) -> None:
        """Work until cancelled."""
        holder = self.ids.claim_holder()
        look_again = min(self.interval / 2, timedelta(seconds=1))
        while True:
            try:
                await self._run_once(holder)
            except DomainError as error:
                log.warning("job failed", job=self.name, reason=str(error))
            except Exception:
                log.exception("job failed", job=self.name)
            await self.clock.sleep(look_again)

    async def _run_once(self, holder: str) -> None:
        began = self.clock.now()
        if not await self.leases.acquire(self.name, holder, began, began + self.lease):
            return
        renewing = asyncio.create_task(self._renew(holder))
        try:
            await self.job()
        finally:
            renewing.cancel()
            await self.leases.release(self.name, holder, began + self.interval)

    async def _renew(self, holder: str) -> None:
        while True:
            await self.clock.sleep(self.lease / 3)
            now = self.clock.now()
            try:
                await self.leases.acquire(self.name, holder, now, now + self.lease)
            except DomainError as error:
                log.warning("lease not renewed", job=self.name, reason=str(error))
