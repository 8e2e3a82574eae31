"""Large answers that their clients do not take."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from entrypoints.http.middleware.budget import Budget
from entrypoints.http.middleware.large_answers import CHUNK, LARGE, ClientTooSlow, LargeAnswers
from entrypoints.http.middleware.overload import Overload

LENGTH = 10 * LARGE


async def large(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * LENGTH, "more_body": False})


def scope(client: str) -> Any:
    return {"type": "http", "client": (client, 1), "headers": [], "state": {}}


async def never() -> Any:
    await asyncio.Event().wait()


async def test_a_large_answer_is_sent_whole_in_chunks() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    overload = Overload(trusted_proxies=0)
    await LargeAnswers(large, overload)(scope("10.0.0.1"), never, send)

    start, *parts = sent
    assert start["status"] == 200
    assert b"".join(part["body"] for part in parts) == b"x" * LENGTH
    assert max(len(part["body"]) for part in parts) == CHUNK
    assert [part["more_body"] for part in parts] == [True] * (len(parts) - 1) + [False]
    assert overload.answers.total == 0


async def test_given_more_than_fits_then_a_client_that_takes_nothing_is_cut_off() -> None:
    overload = Overload(trusted_proxies=0, answers=Budget(5 * LENGTH))
    app = LargeAnswers(large, overload)

    async def untaken(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    stuck = [asyncio.ensure_future(app(scope("10.0.0.9"), never, untaken)) for _ in range(20)]
    await asyncio.sleep(0.01)
    assert overload.answers.total <= 5 * LENGTH

    await test_a_large_answer_is_sent_whole_in_chunks()
    taken = asyncio.Event()

    async def slow(message: Any) -> None:
        await asyncio.sleep(0)
        if not message.get("more_body", True):
            taken.set()

    await app(scope("10.0.0.1"), never, slow)
    assert taken.is_set()
    cut_off = [task for task in stuck if task.done()]
    assert len(cut_off) >= 15
    for task in cut_off:
        with pytest.raises(ClientTooSlow):
            task.result()
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)
