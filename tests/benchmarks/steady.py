"""Requests that come at a steady rate, however slowly they are answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

A_SECOND: Final = 100


def median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2] if times else 0.0


async def send(
    url: str, method: str, path: str, seconds: int, keys: Sequence[str] = ()
) -> list[float]:
    """Send ``A_SECOND`` requests, with one of ``keys`` each; return how long each took."""
    import aiohttp  # noqa: PLC0415 - in this process only

    times = list[float]()
    body = {"userIdentity": "ann"} if method == "POST" else None
    async with aiohttp.ClientSession() as client:

        async def ask(headers: Mapping[str, str]) -> None:
            before = time.monotonic()
            async with client.request(method, url + path, json=body, headers=headers) as answer:
                assert answer.status == 200
                await answer.read()
            times.append(time.monotonic() - before)

        began, tasks = time.monotonic(), []
        for number in range(A_SECOND * seconds):
            await asyncio.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
            headers = {"Authorization": f"Bearer {keys[number % len(keys)]}"} if keys else {}
            tasks.append(asyncio.create_task(ask(headers)))
        await asyncio.gather(*tasks)
    return times
