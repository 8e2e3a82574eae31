"""The periodic jobs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import attrs
import structlog

from domain.reconciliation.reconcile import Reconcile, Reconciliation
from domain.shared.clock import Clock

log = structlog.get_logger()


@attrs.frozen
class ReconcileJob:
    """Compares the ledger with LiveKit and returns what it has repaired."""

    reconcile: Reconcile
    watch: Callable[[Reconciliation, float], None]
    """Receives what a cycle did, and how many seconds it took."""

    async def __call__(self) -> None:
        """Run one cycle."""
        began = time.monotonic()
        done = await self.reconcile()
        self.watch(done, time.monotonic() - began)
        if done.repairs:
            log.info("reconciled", rooms=done.rooms, looked_into=done.examined, **done.repairs)
        if done.problems:
            log.warning(
                "some rooms could not be reconciled",
                rooms=len(done.problems), reason=done.problems[0], **done.failures,
            )  # fmt: skip
        for defect in done.defects:
            log.error("a room could not be reconciled", exc_info=defect)
        if done.held is not None:
            log.warning("sessions and calls are kept that LiveKit does not list", reason=done.held)


Prune = Callable[[datetime], Awaitable[int]]
"""Deletes what is older than a time; how much it was."""


@attrs.frozen
class PruneJob:
    """Deletes what is older than it is kept: by its name, how, and for how long (None: ever)."""

    prunes: Mapping[str, tuple[Prune, timedelta | None]]
    clock: Clock

    async def __call__(self) -> None:
        """Run once."""
        now = self.clock.now()
        for what, (prune, kept) in self.prunes.items():
            if kept is not None and (pruned := await prune(now - kept)):
                log.info("pruned", what=what, number=pruned)
