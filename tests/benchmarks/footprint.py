"""How soon the service answers after its start, and what memory it holds after much work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import psutil

from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS, Senders
from tests.benchmarks.servers import STORAGES, ours, stub_livekit, worker_of
from tests.databases import PostgresServer, running_postgres
from tests.service import Service

REQUESTS: Final = 200_000
MIB: Final = 1024 * 1024


def measure(report: Report, folder: Path) -> None:
    """Starts, then :data:`REQUESTS` of all kinds to one process."""
    with stub_livekit() as environ:
        with running_postgres() as postgres:
            _starts(report, environ, folder, postgres)
        with ours("sqlite", environ, folder / "long") as service:
            _much_work(report, service, "sqlite", Senders(folder))


def measure_others(report: Report, folder: Path) -> None:
    """The same requests to a process on PostgreSQL, and to one that keeps its ledger in memory."""
    with stub_livekit() as environ, running_postgres() as postgres:
        for storage in STORAGES:
            if storage != "sqlite":
                with ours(storage, environ, folder / storage, postgres) as service:
                    _much_work(report, service, storage, Senders(folder))


def _starts(
    report: Report, environ: dict[str, str], folder: Path, postgres: PostgresServer
) -> None:
    heads = ["storage", "until GET /health is answered, s", "worker, RSS MiB"]
    report.section("Start", heads, "A new file for SQLite; a migrated database for PostgreSQL.")
    for storage in STORAGES:
        seconds, resident = [], []
        for number in range(ROUNDS):
            with ours(storage, environ, folder / f"{storage}-{number}", postgres) as service:
                seconds.append(service.started_in)
                time.sleep(0.5)
                resident.append(memory(service)["worker, RSS"])
        start, rss = Spread.of(seconds), Spread.of(resident)
        report.row([storage, start.text(2), rss.text()], start=storage, seconds=start, rss=rss)


def memory(service: Service) -> dict[str, float]:
    """MiB. RSS counts shared pages in every process; PSS, which can be added up, shares them out
    (proc(5))."""
    family: list[psutil.Process] = service.family()
    return {
        "worker, RSS": worker_of(service).memory_info().rss / MIB,
        "both processes, PSS": sum(one.memory_full_info().pss for one in family) / MIB,
    }


def _much_work(report: Report, service: Service, storage: str, senders: Senders) -> None:
    title = f"Memory of one process over {REQUESTS:,} requests, {storage}"
    report.section(title, ["requests", "worker, RSS MiB", "both processes, PSS MiB"])
    done, seen = 0, list[tuple[int, float]]()
    call = senders.call
    while done < REQUESTS:
        for sender, seconds in (
            (senders.session, 1),
            (senders.webhook, 1),
            (call, 1),
            (senders.health, 2),
        ):
            done += sender(service, 32, seconds).requests
        time.sleep(0.2)
        found = memory(service)
        seen.append((done, found["worker, RSS"]))
        cells = [f"{done:,}", *(f"{value:.1f}" for value in found.values())]
        report.row(cells, requests=done, **found)
    later = [(at, rss) for at, rss in seen if at >= done / 2]
    at, rss = later[0]
    slope = (later[-1][1] - rss) / (later[-1][0] - at) * 100_000
    report.row(["second half, MiB per 100,000", f"{slope:+.1f}", ""], slope_mib_per_100_000=slope)
