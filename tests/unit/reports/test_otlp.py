"""Workers' telemetry is passed on as it came, or counted and dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from adapters.otlp.forwarder import MOST_BYTES, OtlpForwarder
from domain.reports.telemetry import Signal, WorkerTelemetry
from entrypoints.settings.reports import _headers

MESSAGE = WorkerTelemetry(
    Signal.LOGS,
    b"\x0a\x00",
    {"content-type": "application/x-protobuf", "content-encoding": "gzip", "authorization": "x"},
)


@asynccontextmanager
async def collector(status: int = 200) -> AsyncIterator[tuple[str, list[tuple[str, bytes, Any]]]]:
    received: list[tuple[str, bytes, Any]] = []

    async def take(request: web.Request) -> web.Response:
        received.append((request.path, await request.read(), request.headers))
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}", received
    finally:
        await runner.cleanup()


async def outcomes(forwarder_of: Callable[[Any], OtlpForwarder]) -> list[str]:
    """What became of one message."""
    found: list[str] = []
    counted = asyncio.Event()

    def count(_signal: Signal, outcome: str) -> None:
        found.append(outcome)
        counted.set()

    forwarder = forwarder_of(count)
    running = asyncio.create_task(forwarder.run())
    assert forwarder.take(MESSAGE)
    await counted.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return found


async def test_it_is_passed_on_with_the_collectors_headers_and_not_the_workers() -> None:
    async with collector() as (url, received):
        assert await outcomes(lambda count: OtlpForwarder(f"{url}/", {"api-key": "s"}, count)) == [
            "forwarded"
        ]

    [(path, body, headers)] = received
    assert (path, body) == ("/v1/logs", MESSAGE.body)
    assert headers["Content-Type"] == "application/x-protobuf"
    assert (headers["Content-Encoding"], headers["api-key"]) == ("gzip", "s")
    assert "Authorization" not in headers


async def test_a_collector_that_fails_costs_the_message() -> None:
    async with collector(500) as (url, _):
        assert await outcomes(lambda count: OtlpForwarder(url, {}, count)) == ["failed"]
    assert await outcomes(lambda count: OtlpForwarder(url, {}, count)) == ["failed"]


async def test_without_a_collector_it_is_dropped() -> None:
    assert await outcomes(lambda count: OtlpForwarder(None, {}, count)) == ["dropped"]


def test_what_waits_is_bounded() -> None:
    forwarder = OtlpForwarder("http://127.0.0.1:1", {}, lambda *_: None)
    large = WorkerTelemetry(Signal.TRACES, bytes(MOST_BYTES), {})

    assert forwarder.take(large)
    assert not forwarder.take(MESSAGE)


def test_headers_are_given_as_opentelemetry_does() -> None:
    assert _headers("api-key=a%20b, x = y ,") == {"api-key": "a b", "x": "y"}
    for wrong in ("api-key", "=x", "a b=c", "a=%00", "ä=b"):
        with pytest.raises(ValueError, match="must"):
            _headers(wrong)
