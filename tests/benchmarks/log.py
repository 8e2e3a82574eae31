"""What logging costs: a line by itself, and what a request takes with its line and without it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import structlog

from entrypoints.logging.setup import render_json
from entrypoints.logging.streams import LossyStream
from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.servers import let_rest, ours, stub_livekit, worker_of
from tests.service import Service

ROUNDS: Final = 5
_LINES: Final = 2_000
_LEVELS: Final = ("info", "warning")
"""A request's line is of level ``info``."""
_REQUEST: Final[Mapping[str, Any]] = {
    "method": "POST",
    "route": "/session",
    "status": 200,
    "duration_ms": 4.21,
    "room": "room-01a2074e-8b46-7010-b8f8-28073a54b3a7",
    "session": "01a2074e-8b46-7010-b8f8-28073a54b3a7",
    "request_id": "01a2074e-8b46-7010-b8f8-28073a54b3a8",
    "event": "request",
    "level": "info",
    "timestamp": "2026-11-26T20:51:07.123456Z",
}


def measure(report: Report, folder: Path) -> None:
    """Measure CPU time: other processes on the machine change it less than the time by a clock."""
    report.section("Log lines", ["", "CPU us a line"], f"{_LINES} lines to a pipe that is read.")
    with _pipe() as stream:
        cost = Spread.of([_cost_of_a_line(stream) for _ in range(ROUNDS)])
    report.row(["render, mask and write", cost.text(1)], part="line", us=cost)
    heads = ["route", "storage", *(f"LOG_LEVEL={level}: CPU us" for level in _LEVELS), "ratio"]
    report.section("A request with its line", heads, "32 connections, by turns.")
    with stub_livekit() as environ:
        for storage in ("memory", "sqlite"):
            _service(report, folder, environ, storage)


def _cost_of_a_line(stream: BinaryIO) -> float:
    """Return the microseconds of CPU that a request's line takes."""
    logger = structlog.BytesLogger(cast("BinaryIO", LossyStream(stream)))
    began = time.thread_time()
    for _ in range(_LINES):
        logger.info(render_json(None, "info", dict(_REQUEST)))
    return (time.thread_time() - began) / _LINES * 1e6


@contextmanager
def _pipe() -> Iterator[BinaryIO]:
    """The end of a pipe whose other end a process empties, as a log's collector does."""
    reading, writing = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, reading, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    child = os.posix_spawnp("cat", ["cat"], os.environ, file_actions=actions)
    os.close(reading)
    with open(writing, "wb", buffering=0) as stream:
        yield cast("BinaryIO", stream)
    os.waitpid(child, 0)


def _service(report: Report, folder: Path, environ: Mapping[str, str], storage: str) -> None:
    costs: dict[str, list[float]] = {level: [] for level in _LEVELS}
    with ExitStack() as stack:
        services = {
            level: stack.enter_context(
                ours(storage, {**environ, "LOG_LEVEL": level}, folder / f"{storage}-{level}")
            )
            for level in _LEVELS
        }
        for number in range(ROUNDS + 1):
            for level, service in services.items():
                let_rest(services.values())
                cost = _cost_of_a_request(service)
                if number:  # the first warms up
                    costs[level].append(cost)
    ratio = Spread.of([more / less for more, less in zip(*costs.values(), strict=True)])
    spreads = {level: Spread.of(values) for level, values in costs.items()}
    report.row(
        ["POST /session", storage, *(one.text() for one in spreads.values()), ratio.text(2)],
        route="POST /session", storage=storage, ratio=ratio, **spreads,
    )  # fmt: skip


def _cost_of_a_request(service: Service) -> float:
    """Return the microseconds of CPU that the service takes for a request, with all its threads."""
    worker = worker_of(service)
    before = worker.cpu_times()
    sent = load(service.url, "session", 32, 2).requests
    let_rest([service])  # that an agent was dispatched is recorded a moment later
    after = worker.cpu_times()
    return (after.user + after.system - before.user - before.system) / sent * 1e6
