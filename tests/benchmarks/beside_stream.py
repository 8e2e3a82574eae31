"""What listeners of the stream cost the requests of others."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import attrs

from application.streaming.serving import TOGETHER
from application.streaming.serving_pace import SECONDS_EACH
from tests.benchmarks.listeners import listening
from tests.benchmarks.load import load
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.servers import ours, stub_livekit
from tests.benchmarks.steady import A_SECOND, median, send
from tests.benchmarks.stream import LISTENERS, REQUEST, ROUNDS, SECONDS

TENANTS: Final = 100
KEYS: Final = [f"key-of-a-tenant-{number:032}" for number in range(TENANTS)]
EVENT_BYTES: Final = 1200
_FIGURES: Final = ("health", "session", "rate")


@attrs.frozen
class Beside:
    """How long requests took, in milliseconds, and how many a second there can be."""

    health: float
    session: float
    rate: float


@attrs.frozen
class Case:
    """Who listens, while as many sessions begin; compared with ``alone``."""

    name: str
    requests: Sequence[bytes] = ()
    begins: bool = True
    keys: Sequence[str] = ()
    is_floor: bool = False

    @property
    def alone(self) -> Case:
        """The same without listeners."""
        name = "none, idle" if not self.begins else "none, with keys" if self.keys else "none"
        return Case(name, begins=self.begins, keys=self.keys)


def _own(number: int) -> bytes:
    key = KEYS[number % TENANTS]
    return REQUEST.replace(b"\r\n", f"\r\nAuthorization: Bearer {key}\r\n".encode(), 1)


_CASES: Final = (
    Case("idle", [REQUEST] * LISTENERS, begins=False),
    Case(f"of {TENANTS} tenants", [_own(number) for number in range(LISTENERS)], keys=KEYS),
    Case("each hears all", [REQUEST] * LISTENERS),
    Case("the same bytes from another process", [REQUEST] * LISTENERS, is_floor=True),
)


def measure(report: Report, folder: Path) -> None:
    """Send requests beside the stream: some, as they come, and as many as both cores can take."""
    cases = {each.name: each for case in _CASES for each in (case.alone, case)}
    found: dict[str, list[Beside]] = {name: [] for name in cases}
    keys = {"API_KEYS": ",".join(f"tenant-{n}={key}" for n, key in enumerate(KEYS))}
    with (
        stub_livekit() as environ,
        ours("sqlite", environ, folder / "open") as unguarded,
        ours("sqlite", {**environ, **keys}, folder / "keys") as guarded,
    ):
        for _ in range(ROUNDS):
            for case in cases.values():
                url = guarded.url if case.keys else unguarded.url
                with _listeners(case, url):
                    found[case.name].append(asyncio.run(_beside(url, case)))
    report.section(
        f"Requests beside {LISTENERS} listeners",
        [
            "listeners", f"GET /health p50 ms, {A_SECOND}/s", "of that alone",
            f"POST /session p50 ms, {A_SECOND}/s", "of that alone",
            "GET /health/s, 8 connections", "of that alone",
        ],
        "With 8 connections both cores are busy, with the clients of this benchmark as well.",
    )  # fmt: skip
    for name, here in found.items():
        _show(report, name, here, found[cases[name].alone.name])


def _show(report: Report, name: str, here: list[Beside], alone: list[Beside]) -> None:
    shown = dict[str, Spread]()
    for figure in _FIGURES:
        ones, others = ([getattr(one, figure) for one in some] for some in (here, alone))
        ratios = [one / other if other else 1.0 for one, other in zip(ones, others, strict=True)]
        shown[figure], shown[f"{figure}_ratio"] = Spread.of(ones), Spread.of(ratios)
    texts = [spread.text(0 if figure == "rate" else 2) for figure, spread in shown.items()]
    report.row([name, *texts], listeners=name, **shown)


def _listeners(case: Case, url: str) -> AbstractContextManager[object]:
    if not case.requests:
        return nullcontext()
    return _floor(case.requests) if case.is_floor else listening(url, case.requests)


async def _beside(url: str, case: Case) -> Beside:
    begin = asyncio.create_task(_begin(url, case, SECONDS))
    await asyncio.sleep(0.5)
    health = await send(url, "GET", "/health", SECONDS - 1)
    sessions = await begin
    begin = asyncio.create_task(_begin(url, case, 3))
    await asyncio.sleep(0.5)
    found = await asyncio.to_thread(load, f"{url}/health", "get", 8, 2)
    await begin
    return Beside(median(health) * 1000, median(sessions) * 1000, found.rate)


async def _begin(url: str, case: Case, seconds: int) -> list[float]:
    return await send(url, "POST", "/session", seconds if case.begins else 0, case.keys)


@contextmanager
def _floor(requests: Sequence[bytes]) -> Iterator[None]:
    """Listeners of a process that sends what the service would, and does nothing else."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=_send_only, args=(len(requests), theirs), daemon=True)
    process.start()
    try:
        with listening(f"http://127.0.0.1:{pipe.recv()}", requests):
            pipe.send(None)
            yield
    finally:
        process.terminate()
        process.join()


def _send_only(listeners: int, pipe: Connection) -> None:
    server = socket.create_server(("127.0.0.1", 0), backlog=listeners)
    pipe.send(server.getsockname()[1])
    clients = [server.accept()[0] for _ in range(listeners)]
    pipe.recv()
    known_at = datetime.now(UTC).isoformat()
    event = b'data: {"createdAt": "%s"' % known_at.encode()
    events = round(SECONDS_EACH * listeners * A_SECOND)
    text = (event.ljust(EVENT_BYTES - 3) + b"}\n\n") * events
    began, number = time.monotonic(), 0
    while True:
        for client in clients:
            client.sendall(text)
            number += 1
            if number % TOGETHER == 0:
                time.sleep(max(0.0, began + number * SECONDS_EACH - time.monotonic()))
