"""What is known of workers is logged once when it changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from application.workers.worker_watch import WorkerWatch
from domain.sessions.watch_workers import WatchWorkers, WorkerChanges
from domain.shared.errors import StorageUnavailable
from tests.unit.worlds.world import World

GONE = WorkerChanges(frozenset({"agent-b", "agent-a"}), frozenset())
BACK = WorkerChanges(frozenset(), frozenset({"agent-a"}))
SAME = WorkerChanges(frozenset(), frozenset())


class Scripted(WatchWorkers):
    """Finds one thing after the other."""

    def __init__(self, world: World, *found: WorkerChanges | StorageUnavailable) -> None:
        super().__init__(world.ledger, world.clock, world.find_agent.timeouts)
        self.found = iter(found)

    async def refresh(self) -> WorkerChanges:
        found = next(self.found)
        if isinstance(found, StorageUnavailable):
            raise found
        return found


async def test_given_workers_that_go_and_come_then_each_change_is_logged_once() -> None:
    world = World()
    found = Scripted(world, SAME, GONE, SAME, StorageUnavailable("down"), BACK, SAME)
    watch = WorkerWatch(found, world.clock, timedelta(seconds=5))
    with capture_logs() as logs:
        for _ in range(6):
            await watch.look()

    assert [(line["event"], line["agent_name"], line["log_level"]) for line in logs] == [
        ("no worker takes the agent's jobs", "agent-a", "warning"),
        ("no worker takes the agent's jobs", "agent-b", "warning"),
        ("a worker takes the agent's jobs again", "agent-a", "info"),
    ]


async def test_it_looks_until_it_is_cancelled() -> None:
    world = World()
    found = Scripted(world, SAME, SAME, SAME)
    watch = WorkerWatch(found, world.clock, timedelta(seconds=5))
    with pytest.raises(RuntimeError, match="StopIteration"):  # the script is over
        await watch.run()

    assert world.clock.slept == [timedelta(seconds=5)] * 3
