"""The stream of events: many listeners, and what they cost the requests of others."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import selectors
import socket
import time
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil

from tests.benchmarks.load import load
from tests.benchmarks.report import Report
from tests.benchmarks.servers import ours, stub_livekit, worker_of
from tests.service import Service

LISTENERS: Final = 1000
EVENTS_PER_SECOND: Final = 100
SECONDS: Final = 10
MEASURING: Final = 20
_REQUEST: Final = b"GET /events?type=session.created HTTP/1.1\r\nHost: x\r\n\r\n"


def measure(report: Report, folder: Path) -> None:
    """Begin so many sessions a second, and see when each listener hears of each."""
    heads = ["listeners", "events/s", "heard", "p50 ms", "p99 ms", "CPU s"]
    report.section("The stream", heads, "SQLite; from when an event became known to its arrival.")
    with stub_livekit() as environ, ours("sqlite", environ, folder / "ledger") as service:
        for listeners in (1, LISTENERS):
            process = psutil.Process(worker_of(service).pid)
            before = sum(process.cpu_times()[:2])
            heard, delays = _listened(service, listeners)
            cpu = sum(process.cpu_times()[:2]) - before
            p50, p99 = (delays[int(len(delays) * part)] * 1000 for part in (0.5, 0.99))
            report.row(
                [listeners, EVENTS_PER_SECOND, heard, f"{p50:.0f}", f"{p99:.0f}", f"{cpu:.1f}"],
                listeners=listeners, heard=heard, p50=p50, p99=p99, cpu=cpu,
            )  # fmt: skip
        report.section("Requests beside the stream", ["idle listeners", "GET /health/s"])
        for listeners in (0, LISTENERS):
            rate = _rate_beside(service, listeners)
            report.row([listeners, f"{rate:.0f}"], listeners=listeners, rate=rate)


def _listened(service: Service, listeners: int) -> tuple[int, list[float]]:
    """Return how many events were heard in all, and the sorted delays of some of them.

    Who measures has a process of its own, so that it does not wait for the others' bytes.
    """
    measuring = min(listeners, MEASURING)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        rest = (service.url, listeners - measuring, SECONDS + 4.0)
        others = pool.apply_async(_drain, rest)
        result = pool.apply_async(_listen, (service.url, measuring, SECONDS + 4.0))
        time.sleep(3)
        asyncio.run(_begin_sessions(service.url))
        heard, delays = result.get(timeout=60)
        return heard + others.get(timeout=60), delays


def _rate_beside(service: Service, listeners: int) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result = pool.apply_async(_drain, (service.url, listeners, 6.0))
        time.sleep(3)
        rate = load(service.url, "get", 8, 2, "/health").rate
        result.get(timeout=60)
        return rate


async def _begin_sessions(url: str) -> None:
    import aiohttp  # noqa: PLC0415 - in this process only

    async with aiohttp.ClientSession() as client:

        async def begin() -> None:
            async with client.post(f"{url}/session", json={"userIdentity": "ann"}) as answer:
                assert answer.status == 200

        began, tasks = time.monotonic(), []
        for number in range(EVENTS_PER_SECOND * SECONDS):
            await asyncio.sleep(max(0.0, began + number / EVENTS_PER_SECOND - time.monotonic()))
            tasks.append(asyncio.create_task(begin()))
        await asyncio.gather(*tasks)


def _listen(url: str, listeners: int, seconds: float) -> tuple[int, list[float]]:
    """Hear events in a process of its own."""
    return asyncio.run(_hear(url, listeners, seconds))


def _drain(url: str, listeners: int, seconds: float) -> int:
    """Return how many events so many listeners heard."""
    address, heard, waiting = urlsplit(url), 0, selectors.DefaultSelector()
    until = time.monotonic() + seconds
    for _ in range(listeners):
        ear = socket.create_connection((address.hostname or "", address.port or 80))
        ear.sendall(_REQUEST)
        waiting.register(ear, selectors.EVENT_READ, ear)
    while (left := until - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            heard += key.data.recv(1 << 20).count(b"\ndata: ")
    return heard


class _Ear(asyncio.Protocol):
    """Notes how late each event is."""

    def __init__(self, delays: list[float]) -> None:
        self._text = b""
        self._delays = delays

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_REQUEST)

    def data_received(self, data: bytes) -> None:
        *lines, self._text = (self._text + data).split(b"\n")
        now = time.time()
        for line in lines:
            if line.startswith(b"data: "):
                self._delays.append(now - _known_at(json.loads(line[6:])))


async def _hear(url: str, listeners: int, seconds: float) -> tuple[int, list[float]]:
    address, delays = urlsplit(url), list[float]()
    loop = asyncio.get_running_loop()
    for _ in range(listeners):
        await loop.create_connection(
            partial(_Ear, delays), address.hostname or "", address.port or 80
        )
    await asyncio.sleep(seconds)
    return len(delays), sorted(delays) or [0.0]


def _known_at(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["createdAt"]).timestamp()
