"""What goes wrong while people come and go, in order."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import attrs

from tests.faults.plan import Plan
from tests.faults.replicas import Replicas, SessionStore
from tests.machine import Machine
from tests.simulator import SimulatorProcess

BACKUP, RESTORE, EMPTY, RESTART = 0.25, 0.4, 0.5, 0.85
"""After which share of the time each begins."""
LOOKS = 2.5
"""For so many intervals of the reconciler LiveKit's lists are empty, and then have gaps."""
GAPS = 0.5
AHEAD = 0.05
"""By which share of the time people may be ahead of what goes wrong."""
MOST_GAPS = 6
"""So many times as long the lists have gaps, until these have brought two agents into a room."""


@attrs.define
class Trouble:
    """Kills processes all the time; the rest happens once.

    ``lies`` are the times at which LiveKit's lists are empty or have gaps, ``backup`` is when the
    backup began, ``restored`` when the service ran again on it; by the monotonic clock, or as Unix
    time. ``over``: LiveKit has been restarted, which was the last of it.
    """

    plan: Plan
    simulator: SimulatorProcess
    replicas: Replicas
    ledger: SessionStore
    machine: Machine
    lies: list[tuple[float, float]] = attrs.field(factory=list)
    backup: float = 0.0
    restored: float = 0.0
    over: asyncio.Event = attrs.field(factory=asyncio.Event)
    _next: float = attrs.field(default=BACKUP, init=False)
    _began: float = attrs.field(default=0.0, init=False)

    def begin(self) -> None:
        """From now on webhooks, requests and workers go wrong by chance."""
        self._began = time.monotonic()  # the replicas may have taken long to start
        self._chaos()
        self.machine.set(self.plan.skew)

    def end(self) -> None:
        """From now on workers and LiveKit's answers are as they should be."""
        self.simulator.chaos()

    async def keep_pace(self, share: float) -> None:
        """Wait while what was due before this share of the time is not over, on a busy machine."""
        while share > self._next + AHEAD:  # noqa: ASYNC110 - most need not wait
            await asyncio.sleep(0.2)

    async def kill_in_turn(self, enough: asyncio.Event) -> None:
        """Kill one process after another."""
        while not enough.is_set():
            try:
                async with asyncio.timeout(self.plan.kill_every):
                    await enough.wait()
            except TimeoutError:
                await self.replicas.kill_one()

    async def happen(self) -> None:
        """A restored backup, clocks that are set, lists that lie, and a restart of LiveKit."""
        await self._until(BACKUP)
        self.backup = time.time()
        await asyncio.to_thread(self.ledger.backup)
        await self._until(RESTORE)
        await self.replicas.restart_on(self.ledger)
        self.restored = time.time()
        self.machine.set(-self.plan.skew)
        await self._until(EMPTY)
        began = time.monotonic()
        looks = LOOKS * self.plan.interval * self.plan.slowness
        self._chaos(leave_out=1.0)
        await asyncio.sleep(looks)
        self._chaos(leave_out=GAPS)
        for _ in range(MOST_GAPS):  # the service may be starting meanwhile
            await asyncio.sleep(looks)
            if (await asyncio.to_thread(self.simulator.agents_record))["together"]:
                break
        self._chaos()
        self.lies.append((began, time.monotonic()))
        await self._until(RESTART)
        began = time.monotonic()
        await asyncio.to_thread(self.simulator.restart, 1.0)
        self.lies.append((began, began + 1.0))
        self._next = 1.0
        self.over.set()

    async def _until(self, share: float) -> None:
        self._next = share
        left = self._began + share * self.plan.over - time.monotonic()
        await asyncio.sleep(max(0.0, left))
        self._began += max(0.0, -left)  # what follows keeps its distance

    def _chaos(self, **more: Any) -> None:
        plan = self.plan
        self.simulator.chaos(
            lose=plan.lose,
            double=plan.double,
            delay_seconds=plan.delay,
            fail_after_applying=plan.fail,
            late_dispatch=plan.late_dispatch,
            slow_join=plan.slow_join,
            slow_join_seconds=plan.slow_join_seconds,
            deaf=plan.deaf,
            list_lag_seconds=plan.list_lag,
            seed=plan.seed,
            **more,
        )
