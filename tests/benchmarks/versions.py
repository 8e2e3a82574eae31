"""This version beside an earlier one, loaded alternately: no figure of another hour is comparable.

`make bench SECTIONS=versions AGAINST=v1.0.0` takes any commit whose dependencies are today's.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.load import Load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import WEBHOOK, Sender, Senders
from tests.benchmarks.servers import let_rest, ours, stub_livekit, worker_of
from tests.databases import running_postgres
from tests.service import PROJECT, Service

AGAINST: Final = "AGAINST"
ROUNDS: Final = 7
STORAGES: Final = ("sqlite", "postgresql")
HEADS: Final = (
    "route", "connections", "storage", "requests/s before", "now", "now, of before",
    "CPU of a request before, ms", "now",
)  # fmt: skip

Round = tuple[Load, float]
"""What was counted, and the processor time of each request in milliseconds."""


def measure(report: Report, folder: Path) -> None:
    """Each route on both versions in turn, with the same load."""
    commit = os.environ.get(AGAINST, "HEAD~1")
    before = folder / "before"
    _unpack(commit, before)
    report.section(f"Versions: {commit} and this one", HEADS)
    senders = Senders(folder)
    with ExitStack() as stack:
        environ = stack.enter_context(stub_livekit())
        postgres = stack.enter_context(running_postgres())
        for storage in STORAGES:
            both = [
                stack.enter_context(
                    ours(storage, {**environ, "PYTHONPATH": str(path)}, folder / name, postgres)
                )
                for name, path in ((f"{storage}-before", before), (f"{storage}-now", PROJECT))
            ]
            for service in both:
                senders.session(service, 32, 1)
                senders.webhook(service, 32, 1)
            for route, sender in (
                ("POST /session", senders.session),
                (f"POST {WEBHOOK}", senders.webhook),
                ("GET /telephony/calls/{id}", senders.call),
                ("GET /health", senders.health),
            ):
                for connections in (32, 1):
                    _row(report, storage, route, sender, connections, both)


def _unpack(commit: str, folder: Path) -> None:
    archive = subprocess.run(
        ["git", "archive", commit], cwd=PROJECT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _row(  # noqa: PLR0917 - what a row is about
    report: Report,
    storage: str,
    route: str,
    sender: Sender,
    connections: int,
    both: list[Service],
) -> None:
    rounds: list[list[Round]] = []
    for _ in range(ROUNDS):
        let_rest(both)
        rounds.append([_round(sender, service, connections) for service in both])
    before, now = zip(*rounds, strict=True)
    rates = [Spread.of([load.rate for load, _ in each]) for each in (before, now)]
    cpu = [Spread.of([cost for _, cost in each]) for each in (before, now)]
    ratio = Spread.of([new.rate / old.rate for (old, _), (new, _) in rounds])
    report.row(
        [
            route, connections, storage, rates[0].text(), rates[1].text(), ratio.text(2),
            f"{cpu[0].median:.2f}", f"{cpu[1].median:.2f}",
        ],
        route=route, connections=connections, storage=storage, before=rates[0], now=rates[1],
        ratio=ratio, cpu_before=cpu[0], cpu_now=cpu[1],
    )  # fmt: skip


def _round(sender: Sender, service: Service, connections: int) -> Round:
    worker = worker_of(service)
    used = sum(worker.cpu_times()[:2])
    load = sender(service, connections, 1)
    return load, (sum(worker.cpu_times()[:2]) - used) / load.requests * 1000
