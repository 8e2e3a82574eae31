"""One process that serves, and two (WORKERS), on PostgreSQL, which processes can share."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.benchmarks.load import Load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS, WEBHOOK, Senders
from tests.benchmarks.servers import ours, stub_livekit
from tests.databases import running_postgres
from tests.service import Service

WORKERS: Final = (1, 2)


def measure(report: Report, folder: Path) -> None:
    """Throughput over 32 connections, by turns."""
    heads = ["route", *(f"WORKERS={number}: requests/s" for number in WORKERS), "gain"]
    report.section("Processes", heads, "32 connections; the load takes its share of the cores.")
    senders = Senders(folder)
    with ExitStack() as stack:
        environ = stack.enter_context(stub_livekit())
        postgres = stack.enter_context(running_postgres())
        services = {
            number: stack.enter_context(
                ours(
                    "postgresql",
                    {**environ, "WORKERS": str(number)},
                    folder / str(number),
                    postgres,
                )
            )
            for number in WORKERS
        }
        for name, sender in (
            ("POST /session", senders.session),
            (f"POST {WEBHOOK}", senders.webhook),
            ("GET /telephony/calls/{id}", senders.call),
        ):
            found: dict[int, list[Load]] = {number: [] for number in WORKERS}
            for _ in range(ROUNDS):
                for number, service in services.items():
                    found[number].append(sender(service, 32, 1))
            _row(report, name, found)
        for service in services.values():
            _still(service)


def _still(service: Service) -> None:
    """Raise :class:`AssertionError` unless all processes are there still."""
    assert service.process.is_running(), service.output()


def _row(report: Report, name: str, found: Mapping[int, list[Load]]) -> None:
    rates = {number: Spread.of([one.rate for one in loads]) for number, loads in found.items()}
    one, two = (found[number] for number in WORKERS)
    gain = Spread.of([more.rate / less.rate for less, more in zip(one, two, strict=True)])
    report.row(
        [name, *(rate.text() for rate in rates.values()), gain.text(2)],
        route=name,
        gain=gain,
        **{f"rate_of_{number}": rate for number, rate in rates.items()},
    )
