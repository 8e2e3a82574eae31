"""Throughput and latency of each route beside its floor, on each storage."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
import httpx

from entrypoints.simulator.webhooks import signed_webhook
from tests.benchmarks.compared import Compared
from tests.benchmarks.events import events_of_a_call, write_events
from tests.benchmarks.load import Load, load
from tests.benchmarks.report import Report
from tests.benchmarks.servers import FLOOR, STORAGES, all_of_them, let_rest
from tests.livekit_server import API_KEY, API_SECRET
from tests.service import Service

ROUNDS: Final = 5
WEBHOOK: Final = "/telephony/livekit-webhook"
HEADS: Final = (
    "route", "connections", "storage", "requests/s", "of the floor", "p50 ms", "p99 ms",
    "p99 of the floor's",
)  # fmt: skip
_RUNS: Final = itertools.count()

Sender = Callable[[Service, int, int], Load]
"""Loads a service over so many connections for so many seconds."""


@attrs.frozen
class Senders:
    """What is sent; events are made ahead, in ``folder``."""

    folder: Path

    def session(self, service: Service, connections: int, seconds: int) -> Load:
        return load(service.url, "session", connections, seconds)

    def webhook(self, service: Service, connections: int, seconds: int) -> Load:
        events = self.folder / f"events-{next(_RUNS)}"
        write_events(events, seconds * (4500 if connections > 1 else 1500))
        try:
            return load(service.url, "webhook", connections, seconds, str(events))
        finally:
            events.unlink()

    def health(self, service: Service, connections: int, seconds: int) -> Load:
        return load(f"{service.url}/health", "get", connections, seconds)

    def call(self, service: Service, connections: int, seconds: int) -> Load:
        url = f"{service.url}/telephony/calls/{a_call(service)}"
        return load(url, "get", connections, seconds)


def a_call(service: Service) -> str:
    """The id of the newest call, which is made if there is none; whatever it is for the floor."""
    with httpx.Client(base_url=service.url) as client:
        if client.get("/telephony/calls").status_code == 404:
            return "01a2074e-8b46-7010-b8f8-28073a54b3a7"
        while not (found := client.get("/telephony/calls?limit=1").json()["calls"]):
            for event in events_of_a_call():
                body, headers = signed_webhook(event, API_KEY, API_SECRET)
                client.post(WEBHOOK, content=body, headers=headers).raise_for_status()
            time.sleep(0.2)
        call_id: str = found[0]["callId"]
        return call_id


def measure(report: Report, folder: Path) -> None:
    """Every route, one after the other on each server in turn, so that all share the machine's
    better and worse moments."""
    report.section("Routes", HEADS, "Ratios are the medians of the rounds' own ratios.")
    senders = Senders(folder)
    with all_of_them(folder) as services:
        for service in services.values():
            senders.session(service, 32, 1)
            senders.webhook(service, 32, 1)
            a_call(service)
        for name, sender, connections, seconds in (
            ("POST /session", senders.session, 32, 1),
            ("POST /session", senders.session, 1, 1),
            (f"POST {WEBHOOK}", senders.webhook, 32, 1),
            (f"POST {WEBHOOK}", senders.webhook, 1, 1),
            ("GET /telephony/calls/{id}", senders.call, 32, 1),
            ("GET /telephony/calls/{id}", senders.call, 1, 1),
            ("GET /health", senders.health, 32, 1),
            ("GET /health", senders.health, 1, 1),
        ):
            _one(report, services, name, sender, connections, seconds)


def _one(  # noqa: PLR0917 - what a row is about
    report: Report,
    services: dict[str, Service],
    name: str,
    sender: Sender,
    connections: int,
    seconds: int,
) -> None:
    found: dict[str, list[Load]] = {server: [] for server in services}
    for _ in range(ROUNDS):
        for server, service in services.items():
            let_rest(services.values())
            found[server].append(sender(service, connections, seconds))
    for server in (FLOOR, *STORAGES):
        row = Compared.of(found[server], found[FLOOR])
        ratio, late = row.ratio.text(2), row.p99_ratio.text(2)
        of_the_floor = ("", "") if server == FLOOR else (ratio, late)
        report.row(
            [
                name, connections, server, row.rate.text(), of_the_floor[0],
                row.p50.text(1), row.p99.text(1), of_the_floor[1],
            ],
            route=name, connections=connections, storage=server, **row.figures(),
        )  # fmt: skip
