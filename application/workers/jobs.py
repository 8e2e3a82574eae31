"""The periodic jobs."""

from __future__ import annotations

from datetime import timedelta

import attrs
import structlog

from domain.ports.clock import Clock
from domain.ports.inbox import Inbox
from domain.use_cases.reconcile import Reconcile

log = structlog.get_logger()


@attrs.frozen
class ReconcileJob:
    """Compares the ledger with LiveKit and tells what it has put right."""

    reconcile: Reconcile

    async def __call__(self) -> None:
        """Run one cycle."""
        done = await self.reconcile()
        if done.repairs:
            log.info("reconciled", rooms=done.rooms, looked_into=done.examined, **done.repairs)
        if done.problems:
            log.warning(
                "some rooms could not be reconciled",
                rooms=len(done.problems), reason=done.problems[0],
            )  # fmt: skip


@attrs.frozen
class PruneInboxJob:
    """Deletes events that were handled longer than ``retention`` ago."""

    inbox: Inbox
    clock: Clock
    retention: timedelta

    async def __call__(self) -> None:
        """Run once."""
        pruned = await self.inbox.prune(self.clock.now() - self.retention)
        if pruned:
            log.info("inbox pruned", events=pruned)
