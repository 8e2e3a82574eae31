"""POST /session against a real livekit-server, beside livekit-api's CreateDispatch alone."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import psutil
from livekit.api import CreateAgentDispatchRequest, LiveKitAPI

from domain.agents.agent_config import AgentConfig
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS, Senders
from tests.benchmarks.servers import ours, worker_of
from tests.livekit_server import API_KEY, API_SECRET, LiveKitServer, livekit_server
from tests.service import Service

SECONDS: Final = 1
_NUMBERS: Final = itertools.count()


@attrs.frozen
class Round:
    """Dispatches in one server's round, and the CPU's milliseconds for each, by process."""

    rate: float
    cpu: dict[str, float]


async def bare(url: str, at_once: int) -> tuple[int, float]:
    """CreateDispatches into rooms that nobody has used, by livekit-api as it is, and seconds."""
    metadata, end, done = AgentConfig.parse(None).metadata(), time.monotonic() + SECONDS, 0

    async def loop(livekit: LiveKitAPI) -> None:
        nonlocal done
        while time.monotonic() < end:
            await livekit.agent_dispatch.create_dispatch(
                CreateAgentDispatchRequest(
                    room=f"bare-{next(_NUMBERS)}", agent_name="bare", metadata=metadata
                )
            )
            done += 1

    async with LiveKitAPI(url, API_KEY, API_SECRET) as livekit:
        began = time.monotonic()
        await asyncio.gather(*(loop(livekit) for _ in range(at_once)))
        return done, time.monotonic() - began


def of_the_loop(server: LiveKitServer, at_once: int) -> Round:
    """A round of the bare loop, which runs in this process."""
    with _cpu({"livekit-server": server.pid, "the loop": psutil.Process().pid}) as used:
        done, seconds = asyncio.run(bare(server.url, at_once))
    return Round(done / seconds, {name: 1000 * cpu / done for name, cpu in used.items()})


def of_the_service(
    server: LiveKitServer, service: Service, senders: Senders, at_once: int
) -> Round:
    """A round of POST /session."""
    with _cpu({"livekit-server": server.pid, "the service": worker_of(service).pid}) as used:
        found = senders.session(service, at_once, SECONDS)
    return Round(found.rate, {name: 1000 * cpu / found.requests for name, cpu in used.items()})


@contextmanager
def _cpu(pids: dict[str, int]) -> Iterator[dict[str, float]]:
    """Seconds of CPU that each process uses within the block."""
    processes = {name: psutil.Process(pid) for name, pid in pids.items()}
    used = {name: -_used(process) for name, process in processes.items()}
    yield used
    for name, process in processes.items():
        used[name] += _used(process)


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(report: Report, folder: Path) -> None:
    """By turns, each round on a new server: a server gets slower with every room it has."""
    heads = [
        "at once", "CreateDispatch/s", "POST /session/s", "of the bare loop",
        "CPU of a dispatch by the loop, ms", "of a session, ms",
    ]  # fmt: skip
    report.section("A real livekit-server", heads, "SQLite; the server runs on the same machine.")
    senders = Senders(folder)
    for at_once in (32, 1):
        floor, found = list[Round](), list[Round]()
        for round_ in range(ROUNDS):
            place = folder / f"{at_once}-{round_}"
            place.mkdir()
            with livekit_server(place) as server:
                environ = {
                    "LIVEKIT_URL": server.url,
                    "LIVEKIT_API_KEY": API_KEY,
                    "LIVEKIT_API_SECRET": API_SECRET,
                    "RECONCILE_INTERVAL_SECONDS": "86400",
                }
                with ours("sqlite", environ, place / "ledger") as service:
                    for mine in (False, True) if round_ % 2 else (True, False):
                        if mine:
                            found.append(of_the_service(server, service, senders, at_once))
                        else:
                            floor.append(of_the_loop(server, at_once))
        rates = [Spread.of([one.rate for one in rounds]) for rounds in (floor, found)]
        ratio = Spread.of(
            [ours_.rate / bare_.rate for bare_, ours_ in zip(floor, found, strict=True)]
        )
        costs = [
            {name: Spread.of([one.cpu[name] for one in rounds]) for name in rounds[0].cpu}
            for rounds in (floor, found)
        ]
        report.row(
            [at_once, rates[0].text(), rates[1].text(), ratio.text(2), *map(_told, costs)],
            at_once=at_once, floor=rates[0], rate=rates[1], ratio=ratio,
            **{
                f"cpu_ms_{side}": {name: spread.median for name, spread in cost.items()}
                for side, cost in zip(("loop", "session"), costs, strict=True)
            },
        )  # fmt: skip


def _told(cost: dict[str, Spread]) -> str:
    return ", ".join(f"{name} {spread.median:.2f}" for name, spread in cost.items())
