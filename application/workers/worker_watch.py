"""Keep what is known of workers up to date, and log when it changes."""

from __future__ import annotations

from datetime import timedelta

import attrs
import structlog

from domain.sessions.watch_workers import WatchWorkers
from domain.shared.clock import Clock
from domain.shared.errors import StorageUnavailable

log = structlog.get_logger()


@attrs.frozen
class WorkerWatch:
    """Looks at the ledger every ``interval``, in each process."""

    watch: WatchWorkers
    clock: Clock
    interval: timedelta

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.look()
            await self.clock.sleep(self.interval)

    async def look(self) -> None:
        """Look once. What is known stays as it is while the ledger cannot be read."""
        try:
            changes = await self.watch.refresh()
        except StorageUnavailable:
            return  # which the heartbeat and readiness report
        for name in sorted(changes.missing):
            log.warning("no worker takes the agent's jobs", agent_name=name)
        for name in sorted(changes.back):
            log.info("a worker takes the agent's jobs again", agent_name=name)
