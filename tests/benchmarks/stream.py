"""The stream of events: how soon many listeners hear."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Final

import attrs
import psutil

from tests.benchmarks.listeners import listening
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.servers import ours, stub_livekit, worker_of
from tests.benchmarks.steady import A_SECOND, median, send
from tests.service import Service

LISTENERS: Final = 1000
SECONDS: Final = 5
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "5"))
PATIENCE_SECONDS: Final = 20
# Answers to HTTP/1.0 have no chunks.
REQUEST: Final = b"GET /events?type=session.created HTTP/1.0\r\n\r\n"


@attrs.frozen
class Round:
    """Sessions that begin ``A_SECOND``, and what was heard of them. In milliseconds."""

    heard: int
    p50: float
    p99: float
    session: float
    cpu: float


def measure(report: Report, folder: Path) -> None:
    """Begin so many sessions a second, and see when each listener hears of each."""
    numbers = (1, LISTENERS)
    with stub_livekit() as environ, ours("sqlite", environ, folder / "ledger") as service:
        rounds: dict[int, list[Round]] = {number: [] for number in numbers}
        for _ in range(ROUNDS):
            for number in numbers:
                rounds[number].append(_round(service, number))
        heads = ["listeners", "heard", "p50 ms", "p99 ms", "POST /session p50 ms", "CPU, s/s"]
        note = f"SQLite, {A_SECOND} events/s; from when one became known to its arrival."
        report.section("The stream", heads, note)
        for number, found in rounds.items():
            names = ("p50", "p99", "session", "cpu")
            spreads = {name: Spread.of([getattr(one, name) for one in found]) for name in names}
            heard = min(one.heard for one in found)
            shown = [spreads[name].text(2 if name == "cpu" else 0) for name in names]
            report.row([number, heard, *shown], listeners=number, heard=heard, **spreads)


def _round(service: Service, listeners: int) -> Round:
    process = psutil.Process(worker_of(service).pid)
    with listening(service.url, [REQUEST] * listeners) as heard:
        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        times = asyncio.run(send(service.url, "POST", "/session", SECONDS))
        cpu = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
        expected, until = len(times) * listeners, time.monotonic() + PATIENCE_SECONDS
        while (found := heard()).events < expected and time.monotonic() < until:
            time.sleep(0.2)
    p50, p99 = (found.delays[int(len(found.delays) * part)] * 1000 for part in (0.5, 0.99))
    return Round(found.events, p50, p99, median(times) * 1000, cpu)
