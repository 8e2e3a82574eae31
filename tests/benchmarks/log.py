"""What a log line costs: our writer beside structlog's ``BytesLogger``, with the same renderer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from entrypoints.log_lines import LogLines
from entrypoints.logs import render_json
from tests.benchmarks.bytes_logger import BytesLines
from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.servers import let_rest, stub_livekit, worker_of
from tests.service import SERVICE, Service, running

ROUNDS: Final = 5
_LINES: Final = 2_000
_WRITERS: Final[dict[str, Any]] = {"LogLines": LogLines, "BytesLogger": BytesLines}
_MODULES: Final = {"LogLines": SERVICE, "BytesLogger": "tests.benchmarks.bytes_logger"}
_REQUEST: Final = {
    "method": "POST",
    "route": "/session",
    "status": 200,
    "duration_ms": 4.21,
    "room": "room-01a2074e-8b46-7010-b8f8-28073a54b3a7",
    "session": "01a2074e-8b46-7010-b8f8-28073a54b3a7",
    "request_id": "01a2074e-8b46-7010-b8f8-28073a54b3a8",
    "event": "request",
    "level": "info",
}


def measure(report: Report, folder: Path) -> None:
    """Measure a line by itself, a line that cannot be written, and the whole service."""
    _lines(report)
    _service(report, folder)


def _lines(report: Report) -> None:
    heads = ["writer", "level", "CPU us a line", "writes", "on a full disk"]
    report.section("Log lines", heads, f"{_LINES} lines to a pipe that is read meanwhile.")
    for level in ("info", "warning"):
        for name, writer in _WRITERS.items():
            found = [asyncio.run(_round(writer, level)) for _ in range(ROUNDS)]
            cost, writes = Spread.of([cost for cost, _ in found]), found[-1][1]
            full = _on_a_full_disk(writer)
            report.row(
                [name, level, cost.text(1), writes, full],
                writer=name, level=level, us=cost, writes=writes, full=full,
            )  # fmt: skip


async def _round(writer: Any, level: str) -> tuple[float, int]:
    """Return the microseconds of CPU that a line takes, and how many writes all of them took."""
    with _pipe() as stream:
        lines = writer(stream, render_json)
        write = getattr(lines, level)
        write(_REQUEST)
        stream.writes, began = 0, time.thread_time()
        for number in range(_LINES):
            write(_REQUEST)
            if number % 20 == 0:
                await asyncio.sleep(0)
        lines.close()
        return (time.thread_time() - began) / _LINES * 1e6, stream.writes


class _Counted:
    """A stream without a buffer of its own that counts its writes."""

    def __init__(self, file: int) -> None:
        self._file, self.writes = file, 0

    def write(self, data: bytes) -> int:
        self.writes += 1
        return os.write(self._file, data)

    def flush(self) -> None:
        """Nothing is buffered."""


@contextmanager
def _pipe() -> Iterator[_Counted]:
    """The end of a pipe whose other end a process empties, as a log's collector does."""
    reading, writing = os.pipe()
    child = os.posix_spawnp(
        "cat",
        ["cat"],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, reading, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        ],
    )
    os.close(reading)
    try:
        yield _Counted(writing)
    finally:
        os.close(writing)
        os.waitpid(child, 0)


def _on_a_full_disk(writer: Any) -> str:
    with open("/dev/full", "wb", buffering=0) as stream:
        try:
            writer(stream, render_json).warning(_REQUEST)
        except OSError as error:
            return f"raises {type(error).__name__}: {error.strerror}"
    return "goes on"


def _service(report: Report, folder: Path) -> None:
    heads = ["route", "storage", *(f"{name}: CPU us a request" for name in _WRITERS), "ratio"]
    report.section("The service's log", heads, "32 connections, by turns.")
    for storage in ("memory", "sqlite"):
        costs: dict[str, list[float]] = {name: [] for name in _WRITERS}
        with ExitStack() as stack:
            environ = stack.enter_context(stub_livekit())
            services = {
                name: stack.enter_context(_started(environ, storage, name, folder))
                for name in _WRITERS
            }
            for number in range(ROUNDS + 1):
                for name, service in services.items():
                    let_rest(services.values())
                    cost = _cpu_of_a_request(service)
                    if number:  # the first warms up
                        costs[name].append(cost)
        pairs = zip(*costs.values(), strict=True)
        ratio = Spread.of([ours / theirs for ours, theirs in pairs])
        spreads = {name: Spread.of(values) for name, values in costs.items()}
        report.row(
            ["POST /session", storage, *(one.text() for one in spreads.values()), ratio.text(2)],
            route="POST /session", storage=storage, ratio=ratio, **spreads,
        )  # fmt: skip


def _cpu_of_a_request(service: Service) -> float:
    """Return the microseconds of CPU that the service takes for a request, with all its threads."""
    worker = worker_of(service)
    before = worker.cpu_times()
    sent = load(service.url, "session", 32, 2).requests
    let_rest([service])  # what was dispatched is recorded a moment later
    after = worker.cpu_times()
    used = after.user + after.system - before.user - before.system
    return used / sent * 1e6


@contextmanager
def _started(environ: dict[str, str], storage: str, writer: str, folder: Path) -> Iterator[Service]:
    place = folder / f"{storage}-{writer}"
    place.mkdir()
    url = "memory://" if storage == "memory" else f"sqlite+aiosqlite:///{place}/ledger.db"
    with running({**environ, "DATABASE_URL": url}, place, _MODULES[writer]) as service:
        yield service
