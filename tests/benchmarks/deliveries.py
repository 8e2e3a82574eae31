"""Domain events to a local receiver: how many one process delivers in a second."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

from domain.access.access import SYSTEM
from domain.events.domain_event import EventKind, NewEvent
from domain.shared.identifiers import SessionId
from domain.shared.timeline import Source
from entrypoints.container import Container
from entrypoints.settings import load_settings
from tests.benchmarks.report import Report, Spread
from tests.databases import running_postgres
from tests.livekit_server import API_KEY, API_SECRET, free_port

EVENTS: Final = 3000
ROUNDS: Final = 3
TOGETHER: Final = 50
HEADS: Final = ("storage", "lanes", "deliveries/s", "webhooks")

RECEIVER: Final = """
import asyncio, sys

class Receiver(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.left = transport, b""

    def data_received(self, data):
        self.left += data
        while b"\\r\\n\\r\\n" in self.left:
            head, _, rest = self.left.partition(b"\\r\\n\\r\\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
            if len(rest) < length:
                return
            self.left = rest[length:]
            self.transport.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")

async def main():
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", int(sys.argv[1]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def measure(report: Report, folder: Path) -> None:
    """Append events of many sessions, then deliver all of them, on each storage."""
    report.section(f"Deliveries: {EVENTS} events of many sessions to a local receiver", HEADS)
    port = free_port()
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", RECEIVER, str(port)], stdout=subprocess.PIPE, text=True
            )
        )
        stack.callback(process.kill)
        assert process.stdout is not None
        process.stdout.readline()
        postgres = stack.enter_context(running_postgres())
        for storage, url in (
            ("sqlite", f"sqlite+aiosqlite:///{folder}/ledger.db"),
            ("postgresql", postgres.new_database()),
        ):
            for webhooks in (1, 4):
                rates = [
                    asyncio.run(_round(url, f"http://127.0.0.1:{port}/", webhooks))
                    for _ in range(ROUNDS)
                ]
                rate = Spread.of(rates)
                report.row(
                    [storage, EVENTS, rate.text(), webhooks],
                    section="deliveries", storage=storage, webhooks=webhooks, rate=rate,
                )  # fmt: skip


async def _round(url: str, receiver: str, webhooks: int) -> float:
    settings = load_settings(
        {
            "LIVEKIT_URL": "ws://127.0.0.1:1",
            "LIVEKIT_API_KEY": API_KEY,
            "LIVEKIT_API_SECRET": API_SECRET,
            "DATABASE_URL": url,
            "WEBHOOK_ALLOW_PRIVATE": "true",
        },
        Path("/nowhere"),
    )
    container = Container(settings=settings)
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(container.storage())
        stack.push_async_callback(container.delivery_sender().close)
        manage, made = container.manage_webhooks(), []
        for _ in range(webhooks):
            given = {"url": receiver, "events": ["*"]}
            made.append((await manage.create(given, SYSTEM)).id.value)
        for first in range(0, EVENTS // webhooks, TOGETHER):
            await asyncio.gather(*(_append(container, n) for n in range(first, first + TOGETHER)))
        worker = container.delivery_worker()
        began = time.monotonic()
        working = asyncio.create_task(worker.run())
        await asyncio.sleep(0.5)
        while (await storage.ledger_stats()).pending_deliveries:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        seconds = time.monotonic() - began
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        for webhook_id in made:
            await manage.delete(webhook_id, SYSTEM)
    return EVENTS / seconds


async def _append(container: Container, number: int) -> None:
    async with container.storage().unit_of_work() as work:
        await work.events.append(
            NewEvent(
                kind=EventKind.SESSION_CREATED,
                occurred_at=container.clock().now(),
                source=Source.API,
                data={"number": number, "config": "x" * 1000},
                session_id=SessionId(container.ids().session_id().value),
            )
        )
        await work.commit()
