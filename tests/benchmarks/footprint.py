"""`make footprint`: how long the service takes to answer, and what it holds when idle.

A measurement, not a test: it asserts nothing. Each round starts the service on a new SQLite file
(which it makes and migrates) and once more on that file, posts a session to a simulator, and
reads the memory two seconds later. RSS counts shared pages in every process; PSS, which can be
added up, shares them out (proc(5)).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from tests.service import Service, running
from tests.simulator import running_simulator

ROUNDS = 5
IDLE_SECONDS = 2.0
MIB = 1024 * 1024


def memory(service: Service) -> dict[str, float]:
    """MiB of the worker alone, and of it with the process that watches over it."""
    worker = service.process.children()[0]
    family: list[psutil.Process] = service.family()
    return {
        "worker RSS (MiB)": worker.memory_info().rss / MIB,
        "both processes, PSS (MiB)": sum(p.memory_full_info().pss for p in family) / MIB,
        "both processes, RSS (MiB)": sum(p.memory_info().rss for p in family) / MIB,
    }


def main() -> None:
    """Print the median of each figure and its range."""
    figures: dict[str, list[float]] = {}
    with running_simulator() as simulator:
        for number in range(ROUNDS):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                url = f"sqlite+aiosqlite:///{folder}/data/backend.db"
                environ = {**simulator.environ, "DATABASE_URL": url}
                for start in ("first start, new file (s)", "start (s)"):
                    with running(environ, folder) as service:
                        figures.setdefault(start, []).append(service.started_in)
                        body = {"userIdentity": "ann", "roomName": f"{number}-{start[:5]}"}
                        httpx.post(f"{service.url}/session", json=body).raise_for_status()
                        time.sleep(IDLE_SECONDS)
                        found = memory(service)
                for what, value in found.items():
                    figures.setdefault(what, []).append(value)
    for what, values in figures.items():
        spread = f"{min(values):.2f} to {max(values):.2f}"
        sys.stdout.write(f"{what:<28} {statistics.median(values):7.2f}   ({spread})\n")


if __name__ == "__main__":
    main()
