"""How soon the service answers after its start, and what memory it holds after much work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import psutil

from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS, Senders
from tests.benchmarks.servers import ours, stub_livekit, worker_of
from tests.service import Service, running

REQUESTS: Final = 200_000
IDLE_SECONDS: Final = 2.0
MIB: Final = 1024 * 1024


def measure(report: Report, folder: Path) -> None:
    """Starts, then :data:`REQUESTS` of all kinds to one process."""
    with stub_livekit() as environ:
        _starts(report, environ, folder)
        with ours("sqlite", environ, folder / "long") as service:
            _much_work(report, service, Senders(folder))


def _starts(report: Report, environ: dict[str, str], folder: Path) -> None:
    report.section("Start", ["start", "until GET /health is answered, s"], "SQLite.")
    found: dict[str, list[float]] = {"on a new file": [], "on that file again": []}
    for number in range(ROUNDS):
        place = folder / str(number)
        place.mkdir()
        url = f"sqlite+aiosqlite:///{place}/ledger.db"
        for start, times in found.items():
            with running({**environ, "DATABASE_URL": url}, place) as service:
                times.append(service.started_in)
                assert start  # the second one finds the first one's file
    for start, times in found.items():
        report.row([start, Spread.of(times).text(2)], start=start, seconds=Spread.of(times))


def memory(service: Service) -> dict[str, float]:
    """MiB. RSS counts shared pages in every process; PSS, which can be added up, shares them out
    (proc(5))."""
    family: list[psutil.Process] = service.family()
    return {
        "worker, RSS": worker_of(service).memory_info().rss / MIB,
        "both processes, PSS": sum(one.memory_full_info().pss for one in family) / MIB,
    }


def _much_work(report: Report, service: Service, senders: Senders) -> None:
    title = f"Memory of one process over {REQUESTS:,} requests"
    report.section(title, ["requests", "worker, RSS MiB", "both processes, PSS MiB"], "SQLite.")
    done, seen = 0, list[tuple[int, float]]()
    call = senders.call
    while done < REQUESTS:
        for sender in (senders.session, senders.webhook, call, senders.health):
            done += sender(service, 32, 1).requests
        time.sleep(0.2)
        found = memory(service)
        seen.append((done, found["worker, RSS"]))
        cells = [f"{done:,}", *(f"{value:.1f}" for value in found.values())]
        report.row(cells, requests=done, **found)
    later = [(at, rss) for at, rss in seen if at >= done / 2]
    at, rss = later[0]
    slope = (later[-1][1] - rss) / (later[-1][0] - at) * 100_000
    report.row(["second half, MiB per 100,000", f"{slope:+.1f}", ""], slope_mib_per_100_000=slope)
