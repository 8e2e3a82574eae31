"""Webhooks until they are handled, as fast as they go: calls that begin and end, and the rest."""

from __future__ import annotations

import concurrent.futures
import itertools
import time
from pathlib import Path
from typing import Final

import httpx

from tests.benchmarks.events import (
    EVENTS_OF_A_CALL,
    write_events,
    write_events_that_teach_nothing,
)
from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS
from tests.benchmarks.servers import FLOOR, STORAGES, all_of_them
from tests.service import Service

CALLS: Final = 100
QUIET_EVENTS: Final = 12_000
"""More than are sent in the time that a round takes."""
LIMIT_SECONDS: Final = 60
_RUNS: Final = itertools.count()


def ended_calls(client: httpx.Client) -> int:
    """How many calls have ended."""
    ended, cursor = 0, ""
    while True:
        page = client.get(f"/telephony/calls?status=ended&limit=100{cursor}").json()
        ended += len(page["calls"])
        if page["nextCursor"] is None:
            return ended
        cursor = f"&cursor={page['nextCursor']}"


def seconds_until_handled(service: Service, events: Path) -> float:
    """From the first event's sending until each of the calls has ended."""
    with (
        httpx.Client(base_url=service.url, timeout=30) as client,
        concurrent.futures.ThreadPoolExecutor() as pool,
    ):
        before = ended_calls(client)
        began = time.monotonic()
        sending = pool.submit(load, service.url, "webhook", 32, 2, str(events))
        while ended_calls(client) < before + CALLS:
            assert time.monotonic() < began + LIMIT_SECONDS, "events were not handled"
            time.sleep(0.05)
        taken = time.monotonic() - began
        sending.result()
    return taken


def rate_of_the_rest(service: Service, events: Path) -> float:
    """How many events a second that teach nothing: they are handled once they are answered."""
    write_events_that_teach_nothing(events, QUIET_EVENTS)
    return load(service.url, "webhook", 32, 2, str(events)).rate


def measure(report: Report, folder: Path) -> None:
    """Each storage in turn, with the same number of calls."""
    heads = ["storage", "phone calls' events/s", "events that teach nothing/s"]
    events_each = CALLS * EVENTS_OF_A_CALL
    report.section("Webhooks until handled", heads, f"{events_each:,} events a round, 32 at once.")
    with all_of_them(folder) as services:
        del services[FLOOR]
        found: dict[str, list[float]] = {storage: [] for storage in STORAGES}
        rest: dict[str, list[float]] = {storage: [] for storage in STORAGES}
        for round_ in range(ROUNDS + 1):
            for storage, service in services.items():
                events = folder / f"events-{next(_RUNS)}"
                write_events(events, events_each)
                seconds = seconds_until_handled(service, events)
                rate = rate_of_the_rest(service, events)
                if round_:  # after one to warm up
                    found[storage].append(events_each / seconds)
                    rest[storage].append(rate)
    for storage, rates in found.items():
        calls, others = Spread.of(rates), Spread.of(rest[storage])
        report.row(
            [storage, calls.text(), others.text()], storage=storage, rate=calls, nothing=others
        )
