"""Refusals that no route has counted: counted, and so many a second for each address."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from adapters.memory.rate_limiter import MemoryRateLimiter
from entrypoints.http.middleware.limits import Limits
from entrypoints.http.middleware.refusals import A_SECOND, AT_ONCE, MOST_WAITING, Pace, Refusals
from tests.unit.worlds.fakes import FakeClock

LIMIT = 3


async def not_found(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"2"), (b"access-control-allow-origin", b"*")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})


def refusals(app: Any = not_found, per_minute: int = LIMIT) -> Refusals:
    limits = Limits(
        limiter=MemoryRateLimiter(per_minute),
        clock=FakeClock(),
        per_minute=per_minute,
        trusted_proxies=0,
    )
    return Refusals(app, limits)


async def ask(
    app: Refusals, address: str = "10.0.0.1", method: str = "GET"
) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": method, "client": (address, 1), "headers": []}
    await app(scope, receive, send)
    start, *parts = sent
    return start["status"], dict(start["headers"]), b"".join(part["body"] for part in parts)


async def test_given_an_address_with_nothing_left_then_it_is_told_when_to_come_back() -> None:
    app = refusals()
    for _ in range(LIMIT):
        assert (await ask(app))[0] == 404

    status, headers, body = await ask(app)

    assert status == 429
    assert msgspec.json.decode(body)["code"] == "rate_limited"
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"access-control-allow-origin"] == b"*"  # scripts may read it
    assert int(headers[b"retry-after"]) > 0
    assert (await ask(app, "10.0.0.2"))[0] == 404


async def test_an_answer_to_head_has_no_body() -> None:
    app = refusals(per_minute=1)
    await ask(app, method="HEAD")

    status, headers, body = await ask(app, method="HEAD")

    assert (status, headers[b"content-length"], body) == (429, b"0", b"")


async def test_what_a_route_answers_is_not_counted_here() -> None:
    async def found(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    app = refusals(found)

    assert [(await ask(app))[0] for _ in range(10 * LIMIT)] == [200] * 10 * LIMIT


def test_an_address_gets_so_many_at_once_and_then_so_many_a_second() -> None:
    now = 0.0
    pace = Pace(lambda: now)

    waits = [pace.wait("10.0.0.1") for _ in range(AT_ONCE + 1 + 3 * A_SECOND)]

    assert waits[: AT_ONCE + 1] == pytest.approx([0.0] * (AT_ONCE + 1))
    assert waits[-1] == pytest.approx(3.0)
    assert pace.wait("10.0.0.2") == 0.0
    now = 10.0
    assert pace.wait("10.0.0.1") == 0.0


def test_many_addresses_fill_no_memory() -> None:
    now = 0.0
    pace = Pace(lambda: now)

    for number in range(50_000):
        now += 0.001
        assert pace.wait(str(number)) == 0.0

    assert len(pace._next) <= 10_000


async def test_given_too_many_that_wait_then_the_connection_is_closed_instead() -> None:
    app = refusals(per_minute=1_000_000)
    asked = [asyncio.create_task(ask(app)) for _ in range(2 * AT_ONCE + MOST_WAITING)]

    done, waiting = await asyncio.wait(asked, timeout=0.2)

    closed = [task for task in done if task.result()[1].get(b"connection") == b"close"]
    assert len(closed) >= AT_ONCE // 2
    assert 0 < len(waiting) <= MOST_WAITING
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
