"""Session reports: how many a second, the memory that 100 MB of audio take, and who waits."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import httpx
from livekit.protocol.webhook import WebhookEvent

from entrypoints.simulator.webhooks import signed_webhook
from tests.benchmarks.report import Report, Spread
from tests.benchmarks.routes import ROUNDS
from tests.benchmarks.servers import STORAGES, ours, stub_livekit, worker_of
from tests.databases import running_postgres
from tests.livekit_server import API_KEY, API_SECRET
from tests.reports import a_header, an_upload, chat_history, multipart, worker_token
from tests.service import Service

REPORTS: Final = 500
AT_ONCE: Final = 16
LONG: Final = 100_000
"""Items of one report."""
AUDIO: Final = 100 * 1000 * 1000
MIB: Final = 1024 * 1024
PATH: Final = "/observability/recordings/v0"
HEADERS: Final = {
    "Authorization": f"Bearer {worker_token()}",
    "Content-Type": "multipart/form-data; boundary=b7c1",
}


def measure(report: Report, folder: Path) -> None:
    """Uploads with two items and two KiB of audio, one with 100 MB, and one with many items."""
    heads = ["storage", "reports/s", "100 MB of audio, s", "RSS grows by, MiB"]
    note = f"{REPORTS} uploads, {AT_ONCE} at a time; the audio goes to a folder on the same disk."
    longs: dict[str, list[_Long]] = {storage: [] for storage in STORAGES}
    report.section("Session reports", heads, note)
    with stub_livekit() as environ, running_postgres() as postgres:
        for storage in STORAGES:
            rates, times, growth = list[float](), list[float](), list[float]()
            for number in range(ROUNDS):
                place = folder / f"{storage}-{number}"
                place.mkdir()
                given = {**environ, "RECORDINGS_URL": f"file://{place}/recordings"}
                with ours(storage, given, place, postgres) as service:
                    rates.append(asyncio.run(_many(service)))
                    took, grew = _large(service)
                    times.append(took)
                    growth.append(grew)
                    longs[storage].append(asyncio.run(_long(service)))
            rate, seconds, grown = Spread.of(rates), Spread.of(times), Spread.of(growth)
            report.row(
                [storage, rate.text(), seconds.text(1), grown.text(1)],
                storage=storage, rate=rate, seconds=seconds, growth=grown,
            )  # fmt: skip
    heads = ["storage", "seconds", "POST /session before: median, ms", "meanwhile", "the longest"]
    report.section(f"A report of {LONG:,} items", heads, "POST /session is sent one at a time.")
    for storage, found in longs.items():
        names = [field.name for field in attrs.fields(_Long)]
        spreads = {name: Spread.of([getattr(one, name) for one in found]) for name in names}
        shown = [spread.text(1 if name == "seconds" else 0) for name, spread in spreads.items()]
        report.row([storage, *shown], storage=storage, **spreads)


@attrs.frozen
class _Long:
    """How long many items take, and ``POST /session`` before and meanwhile, in milliseconds."""

    seconds: float
    before: float
    meanwhile: float
    longest: float


async def _long(service: Service) -> _Long:
    """Upload a report of many items of a session whose room is known."""
    items = [
        {"id": f"item_{n}", "type": "message", "role": "user", "content": [f"word{n % 5000} yes"]}
        for n in range(LONG)
    ]
    parts = an_upload(header=a_header("RM_long"), chat_history=chat_history(items))
    body, times = multipart(*parts), list[float]()
    async with httpx.AsyncClient(base_url=service.url, timeout=120) as client:

        async def begin() -> str:
            before = time.perf_counter()
            answer = await client.post("/session", json={"userIdentity": "ann"})
            times.append((time.perf_counter() - before) * 1000)
            return str(answer.raise_for_status().json()["roomName"])

        event = WebhookEvent(id="EV_long", event="room_started", created_at=int(time.time()))
        event.room.name, event.room.sid = await begin(), "RM_long"
        signed, headers = signed_webhook(event, API_KEY, API_SECRET)
        path = "/telephony/livekit-webhook"
        (await client.post(path, content=signed, headers=headers)).raise_for_status()
        for _ in range(200):
            await begin()
        before = statistics.median(times)
        times.clear()
        began = time.perf_counter()
        upload = asyncio.create_task(client.post(PATH, content=body, headers=HEADERS))
        while not upload.done():
            await begin()
            await asyncio.sleep(0.01)
        (await upload).raise_for_status()
        seconds = time.perf_counter() - began
    return _Long(seconds, before, statistics.median(times), max(times))


async def _many(service: Service) -> float:
    """Return how many reports a second are stored."""
    bodies = [multipart(*an_upload(header=a_header(job_id=f"AJ_{n}"))) for n in range(REPORTS)]
    waiting = iter(bodies)

    async def upload(client: httpx.AsyncClient) -> None:
        for body in waiting:
            answer = await client.post(PATH, content=body, headers=HEADERS)
            answer.raise_for_status()

    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        began = time.perf_counter()
        await asyncio.gather(*(upload(client) for _ in range(AT_ONCE)))
        return REPORTS / (time.perf_counter() - began)


def _large(service: Service) -> tuple[float, float]:
    """Return the seconds that the audio takes, and by how many MiB the process grows meanwhile."""
    parts = an_upload(header=a_header(job_id="AJ_large"), audio=b"OggS" + bytes(AUDIO))
    body = multipart(*parts)
    with _watched(service) as peaks, httpx.Client(base_url=service.url, timeout=120) as client:
        began = time.perf_counter()
        client.post(PATH, content=body, headers=HEADERS).raise_for_status()
        took = time.perf_counter() - began
    return took, (max(peaks) - peaks[0]) / MIB


@contextmanager
def _watched(service: Service) -> Iterator[list[int]]:
    """Note the process's resident memory every 10 ms."""
    process, done = worker_of(service), threading.Event()
    found = [process.memory_info().rss]

    def watch() -> None:
        while not done.wait(0.01):
            found.append(process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        done.set()
        watching.join()
