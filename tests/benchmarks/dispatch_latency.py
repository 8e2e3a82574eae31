"""How soon after a caller's webhook the agent's dispatch reaches LiveKit.

Callers join one after another, each in a room of its own, while nothing else goes on; the service
runs as a process on SQLite. Each time is read beside the bare time of a CreateDispatch by
livekit-api against the same LiveKit simulator.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import httpx
from livekit.api import CreateAgentDispatchRequest, LiveKitAPI

from entrypoints.simulator.webhooks import signed_webhook
from tests.benchmarks.events import event_of_a_call
from tests.benchmarks.report import Report
from tests.livekit_server import API_KEY, API_SECRET
from tests.service import Service, running
from tests.simulator import SimulatorProcess, running_simulator

CALLS = 200
PAUSE_SECONDS = 0.03
WEBHOOKS = "/telephony/livekit-webhook"


def dispatched_at(simulator: SimulatorProcess, room: str) -> float:
    """When CreateDispatch came to the simulator (Unix seconds)."""
    for _ in range(1000):
        found = simulator.dispatches(room)
        if found:
            return int(found[0]["state"]["createdAt"]) / 1e9
        time.sleep(0.005)
    raise AssertionError(f"no agent was dispatched into {room}")


def times_of(service: Service, simulator: SimulatorProcess) -> dict[str, list[float]]:
    """Milliseconds from the webhook's sending, and from its answer, to the dispatch."""
    figures: dict[str, list[float]] = {"sent": [], "stored": []}
    with httpx.Client(base_url=service.url) as client:
        for number in range(CALLS + 10):
            joined = event_of_a_call("participant_joined")
            body, headers = signed_webhook(joined, API_KEY, API_SECRET)
            sent = time.time()
            client.post(WEBHOOKS, content=body, headers=headers).raise_for_status()
            answered = time.time()
            time.sleep(PAUSE_SECONDS)
            arrived = dispatched_at(simulator, joined.room.name)
            if number >= 10:  # after warming up
                figures["sent"].append((arrived - sent) * 1000)
                figures["stored"].append((arrived - answered) * 1000)
    return figures


async def bare(simulator: SimulatorProcess) -> list[float]:
    """Milliseconds that a CreateDispatch takes by itself."""
    times = []
    async with LiveKitAPI(f"http://127.0.0.1:{simulator.port}", API_KEY, API_SECRET) as livekit:
        for number in range(CALLS + 10):
            request = CreateAgentDispatchRequest(room=f"bare-{number}", agent_name="bare")
            began = time.perf_counter()
            await livekit.agent_dispatch.create_dispatch(request)
            if number >= 10:
                times.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(PAUSE_SECONDS)
    return times


def measure(report: Report, folder: Path) -> None:
    """The median and the 95th percentile of each."""
    report.section("Dispatch", ["one caller at a time, SQLite", "median, ms", "p95, ms"])
    with running_simulator() as simulator:
        environ = {
            **simulator.environ,
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.db",
            "TELEPHONY_ENABLED": "true",
            "RECONCILE_INTERVAL_SECONDS": "86400",
        }
        with running(environ, folder) as service:
            figures = times_of(service, simulator)
        rows = {
            "webhook answered (event stored) → CreateDispatch arrives": figures["stored"],
            "webhook sent → CreateDispatch arrives": figures["sent"],
            "a bare CreateDispatch by livekit-api, sent → answered": asyncio.run(bare(simulator)),
        }
    for what, times in rows.items():
        middle, late = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        report.row([what, f"{middle:.1f}", f"{late:.1f}"], what=what, median=middle, p95=late)
