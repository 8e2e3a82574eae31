"""Check whether workers take the jobs of the agents that answer calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import attrs

from domain.diagnosis.finding import Check, Finding, State
from domain.diagnosis.probe_worker import ProbeWorker
from domain.sessions.watch_workers import WatchWorkers
from domain.shared.errors import StorageUnavailable
from domain.shared.identifiers import RoomName
from domain.shared.livekit_errors import LiveKitError


@attrs.frozen
class CheckedWorkers:
    """What was found, and the room of a dispatch that was made; None if there was none."""

    findings: Sequence[Finding]
    room_name: RoomName | None = None


@attrs.frozen(kw_only=True)
class CheckWorkers:
    """By a dispatch for each name, or by what became of the latest dispatches."""

    probe_worker: ProbeWorker
    workers: WatchWorkers
    agent_name: str

    async def by_dispatch(self, names: Sequence[str]) -> CheckedWorkers:
        """Dispatch each agent into a room of its own, all at the same time."""
        checked = await asyncio.gather(*map(self._probe, names))
        rooms = (room for _, room in checked if room is not None)
        return CheckedWorkers([finding for finding, _ in checked], next(rooms, None))

    async def by_ledger(self, names: Sequence[str], *, is_readable: bool) -> CheckedWorkers:
        """Return what the latest dispatches say of the workers."""
        with suppress(StorageUnavailable):
            if is_readable:
                await self.workers.refresh()
        if warnings := list(filter(None, map(self.workers.warning, names))):
            return CheckedWorkers([Finding(Check.WORKER, State.FAILED, one) for one in warnings])
        sentence = "No agent was dispatched to find a worker."
        return CheckedWorkers([Finding(Check.WORKER, State.SKIPPED, sentence)])

    async def _probe(self, name: str) -> tuple[Finding, RoomName | None]:
        try:
            probed = await self.probe_worker(name)
        except LiveKitError as error:
            return Finding(Check.WORKER, State.FAILED, str(error)), None
        return self._taken(name, probed.taken_after), probed.room_name

    def _taken(self, name: str, after: timedelta | None) -> Finding:
        if after is not None:
            sentence = f"A worker named '{name}' took a job after {after.total_seconds():.1f} s."
            return Finding(Check.WORKER, State.OK, sentence)
        within = self.probe_worker.taken_within.total_seconds()
        named_by = "AGENT_NAME" if name == self.agent_name else "the saved agent's agentName"
        return Finding(
            Check.WORKER,
            State.FAILED,
            f"No worker named '{name}' took a job within {within:.0f} s; start the worker, with "
            f"agent_name equal to {named_by} and on the same LiveKit project, or free capacity.",
        )
