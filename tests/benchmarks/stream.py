"""The stream of events: many listeners, and what they cost the requests of others."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import psutil

from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.servers import ours, stub_livekit, worker_of
from tests.service import Service

LISTENERS: Final = 1000
EVENTS_PER_SECOND: Final = 100
SECONDS: Final = 5
ROUNDS: Final = 5
MEASURING: Final = 20
OPENING_SECONDS: Final = 2.0
COUNTING_SECONDS: Final = 0.25
PATIENCE_SECONDS: Final = 20
# Answers to HTTP/1.0 have no chunks.
_REQUEST: Final = b"GET /events?type=session.created HTTP/1.0\r\n\r\n"


@attrs.frozen
class Heard:
    """How many events were heard in all, and how late each was for those who measure."""

    events: int
    delays: list[float]


@attrs.frozen
class Round:
    """Sessions that begin ``EVENTS_PER_SECOND``, and what was heard of them. In milliseconds."""

    heard: int
    p50: float
    p99: float
    session: float
    cpu: float


@attrs.frozen
class Beside:
    """How long requests took beside the stream, in milliseconds, and how many there can be."""

    health: float
    session: float
    rate: float


def measure(report: Report, folder: Path) -> None:
    """Begin so many sessions a second, and see when each listener hears of each."""
    numbers = (1, LISTENERS)
    with stub_livekit() as environ, ours("sqlite", environ, folder / "ledger") as service:
        rounds: dict[int, list[Round]] = {number: [] for number in numbers}
        for _ in range(ROUNDS):
            for number in numbers:
                rounds[number].append(_round(service, number))
        heads = ["listeners", "heard", "p50 ms", "p99 ms", "POST /session p50 ms", "CPU, s/s"]
        note = f"SQLite, {EVENTS_PER_SECOND} events/s; from when one became known to its arrival."
        report.section("The stream", heads, note)
        for number, found in rounds.items():
            names = ("p50", "p99", "session", "cpu")
            spreads = {name: Spread.of([getattr(one, name) for one in found]) for name in names}
            heard = min(one.heard for one in found)
            shown = [spreads[name].text(2 if name == "cpu" else 0) for name in names]
            report.row([number, heard, *shown], listeners=number, heard=heard, **spreads)
        _measure_requests(report, service)


def _measure_requests(report: Report, service: Service) -> None:
    """Send requests beside the stream: some, as they come, and as many as both cores can take."""
    cases = [(number, busy) for busy in (False, True) for number in (0, LISTENERS)]
    found: dict[tuple[int, bool], list[Beside]] = {case: [] for case in cases}
    for _ in range(ROUNDS):
        for number, busy in cases:
            with _listening(service, number):
                found[number, busy].append(asyncio.run(_beside(service.url, busy=busy)))
    report.section(
        "Requests beside the stream",
        [
            "listeners", "events/s",
            f"GET /health p50 ms, {EVENTS_PER_SECOND}/s", "of that without listeners",
            "POST /session p50 ms", "of that without listeners",
            "GET /health/s, 8 connections", "of that without listeners",
        ],
        "With 8 connections both cores are busy, with the clients of this benchmark as well.",
    )  # fmt: skip
    for (number, busy), here in found.items():
        shown = dict[str, Spread]()
        for name in ("health", "session", "rate"):
            pairs = [
                (getattr(h, name), getattr(w, name))
                for h, w in zip(here, found[0, busy], strict=True)
            ]
            shown[name] = Spread.of([one for one, _ in pairs])
            shown[f"{name}_ratio"] = Spread.of([one / none if none else 1.0 for one, none in pairs])
        events = EVENTS_PER_SECOND * busy
        texts = [spread.text(0 if name == "rate" else 2) for name, spread in shown.items()]
        report.row([number, events, *texts], listeners=number, events=events, **shown)


def _round(service: Service, listeners: int) -> Round:
    process = psutil.Process(worker_of(service).pid)
    with _listening(service, listeners) as heard:
        before, began = sum(process.cpu_times()[:2]), time.monotonic()
        times = asyncio.run(_send(service.url, "POST", "/session", SECONDS))
        cpu = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
        expected, until = len(times) * listeners, time.monotonic() + PATIENCE_SECONDS
        while (found := heard()).events < expected and time.monotonic() < until:
            time.sleep(0.2)
    p50, p99 = (found.delays[int(len(found.delays) * part)] * 1000 for part in (0.5, 0.99))
    return Round(found.events, p50, p99, _median(times) * 1000, cpu)


async def _beside(url: str, *, busy: bool) -> Beside:
    begin = asyncio.create_task(_send(url, "POST", "/session", SECONDS if busy else 0))
    await asyncio.sleep(0.5)
    health = await _send(url, "GET", "/health", SECONDS - 1)
    sessions = await begin
    begin = asyncio.create_task(_send(url, "POST", "/session", 3 if busy else 0))
    await asyncio.sleep(0.5)
    found = await asyncio.to_thread(load, f"{url}/health", "get", 8, 2)
    await begin
    return Beside(_median(health) * 1000, _median(sessions) * 1000, found.rate)


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2] if times else 0.0


async def _send(url: str, method: str, path: str, seconds: int) -> list[float]:
    """Send ``EVENTS_PER_SECOND`` requests a second; return how long each took."""
    import aiohttp  # noqa: PLC0415 - in this process only

    times = list[float]()
    body = {"userIdentity": "ann"} if method == "POST" else None
    async with aiohttp.ClientSession() as client:

        async def send() -> None:
            before = time.monotonic()
            async with client.request(method, url + path, json=body) as answer:
                assert answer.status == 200
                await answer.read()
            times.append(time.monotonic() - before)

        began, tasks = time.monotonic(), []
        for number in range(EVENTS_PER_SECOND * seconds):
            await asyncio.sleep(max(0.0, began + number / EVENTS_PER_SECOND - time.monotonic()))
            tasks.append(asyncio.create_task(send()))
        await asyncio.gather(*tasks)
    return times


@contextmanager
def _listening(service: Service, listeners: int) -> Iterator[Callable[[], Heard]]:
    """So many listeners, while the block runs; what is returned tells what they have heard.

    Who measures has a process of its own, so that it does not wait for the others' bytes.
    """
    context = multiprocessing.get_context("spawn")
    measuring = min(listeners, MEASURING)
    with ExitStack() as stack:
        pipes = []
        for number, measures in ((measuring, True), (listeners - measuring, False)):
            pipe, theirs = context.Pipe()
            process = context.Process(
                target=_listen,
                args=(service.url, number, theirs),
                kwargs={"measures": measures},
                daemon=True,
            )
            process.start()
            stack.callback(process.join)
            stack.callback(pipe.close)
            theirs.close()
            pipes.append(pipe)
        for pipe in pipes:
            pipe.recv()

        def heard() -> Heard:
            for pipe in pipes:
                pipe.send(None)
            found: list[Heard] = [pipe.recv() for pipe in pipes]
            delays = sorted(delay for each in found for delay in each.delays)
            return Heard(sum(each.events for each in found), delays)

        yield heard


def _listen(url: str, listeners: int, pipe: Connection, *, measures: bool) -> None:
    """Listen in a process of its own until ``pipe`` is closed; tell what was heard when asked."""
    address, began, ears = urlsplit(url), time.monotonic(), list[socket.socket]()
    for number in range(listeners):  # those of both processes alternate
        time.sleep(max(0.0, began + OPENING_SECONDS * number / listeners - time.monotonic()))
        ear = socket.create_connection((address.hostname or "", address.port or 80))
        ear.sendall(_REQUEST)
        ear.settimeout(0)
        ears.append(ear)
    pipe.send(None)
    if measures:
        _measure(ears, pipe)
    else:
        _count(ears, pipe)


def _measure(ears: list[socket.socket], pipe: Connection) -> None:
    waiting = selectors.DefaultSelector()
    waiting.register(pipe, selectors.EVENT_READ)
    for ear in ears:
        waiting.register(ear, selectors.EVENT_READ, [b""])
    events, delays, room = 0, list[float](), bytearray(1 << 20)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is pipe:
                if not _tell(pipe, Heard(events, delays)):
                    return
                continue
            size = key.fileobj.recv_into(room)  # type: ignore[union-attr]
            *lines, key.data[0] = (key.data[0] + room[:size]).split(b"\n")
            late = [time.time() - _known_at(line) for line in lines if line.startswith(b"data: ")]
            events += len(late)
            delays += late


def _count(ears: list[socket.socket], pipe: Connection) -> None:
    """Count what has come, now and then: clients elsewhere take none of the service's time."""
    events, room = 0, bytearray(1 << 20)
    few = [ears[start : start + 20] for start in range(0, len(ears), 20)] or [[]]
    while True:
        for some in few:
            asked = pipe.poll(COUNTING_SECONDS / len(few))
            for ear in some:
                with suppress(BlockingIOError):
                    events += room.count(b"\ndata: ", 0, ear.recv_into(room))
            if asked and not _tell(pipe, Heard(events, [])):
                return


def _tell(pipe: Connection, heard: Heard) -> bool:
    try:
        pipe.recv()
    except EOFError:
        return False
    pipe.send(heard)
    return True


def _known_at(line: bytes) -> float:
    event: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return datetime.fromisoformat(event["createdAt"]).timestamp()
