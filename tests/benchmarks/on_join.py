"""Agents that are dispatched on join: POST /session with and without, and POST /livekit/token.

Against a real livekit-server, which only the dispatch at once asks for anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs
import psutil

from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS
from tests.benchmarks.servers import ours, worker_of
from tests.livekit_server import API_KEY, API_SECRET, livekit_server
from tests.service import Service

SECONDS: Final = 1
NOW: Final = "POST /session"
SCRIPTS: Final[Mapping[str, str]] = {
    NOW: "session",
    'POST /session, "on_join"': "on_join",
    "POST /livekit/token": "token",
}


@attrs.frozen
class Round:
    """What one run of a script has measured."""

    rate: float
    p99: float
    cpu_ms: float


def run(service: Service, script: str, connections: int) -> Round:
    """Load the service, and note the processor time that it takes for each request."""
    process = psutil.Process(worker_of(service).pid)
    before = sum(process.cpu_times()[:2])
    found = load(service.url, script, connections, SECONDS)
    used = sum(process.cpu_times()[:2]) - before
    return Round(found.rate, found.p99, 1000 * used / found.requests)


def measure(report: Report, folder: Path) -> None:
    """By turns, each round on a new server and a new ledger."""
    heads = ["route", "at once", "requests/s", "of POST /session", "p99 ms", "CPU of a request, ms"]
    report.section("Dispatch on join", heads, "SQLite; the server runs on the same machine.")
    for connections in (32, 1):
        found: dict[str, list[Round]] = {name: [] for name in SCRIPTS}
        for number in range(ROUNDS):
            place = folder / f"{connections}-{number}"
            place.mkdir()
            one_round(place, number, connections, found)
        now = found[NOW]
        for name, rounds in found.items():
            ratios = [one.rate / least.rate for one, least in zip(rounds, now, strict=True)]
            rate, p99 = Spread.of([one.rate for one in rounds]), Spread.of([o.p99 for o in rounds])
            cpu, ratio = Spread.of([one.cpu_ms for one in rounds]), Spread.of(ratios)
            report.row(
                [name, connections, rate.text(), ratio.text(2), p99.text(1), cpu.text(2)],
                route=name, connections=connections, rate=rate, ratio=ratio, p99=p99, cpu_ms=cpu,
            )  # fmt: skip


def one_round(place: Path, number: int, connections: int, found: Mapping[str, list[Round]]) -> None:
    """Run every script once, each round in another order."""
    names = list(SCRIPTS)
    first = number % len(names)
    with livekit_server(place) as server:
        environ = {
            "LIVEKIT_URL": server.url,
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "RECONCILE_INTERVAL_SECONDS": "86400",
        }
        with ours("sqlite", environ, place / "ledger") as service:
            for name in names[first:] + names[:first]:
                found[name].append(run(service, SCRIPTS[name], connections))
