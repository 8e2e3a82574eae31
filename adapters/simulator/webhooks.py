"""Signed webhooks, delivered as livekit-server 1.13.5 delivers them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import time
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import aiohttp
from google.protobuf.json_format import MessageToJson
from livekit.api import AccessToken
from livekit.protocol.webhook import WebhookEvent

MAX_AGE_SECONDS: Final = 30.0
MAX_DEPTH: Final = 200
MAX_RETRIES: Final = 4

_Queue = deque[tuple[float, WebhookEvent]]


class WebhookSender:
    """Posts events to every URL. Runs between :meth:`open` and :meth:`close`.

    Each URL and room has its own queue, in which events keep their order. Connection errors, 5xx
    and 429 are retried, first after ``retry_seconds``, then after twice as long each time. An
    event that is 30 s old, or finds 200 before it, is dropped.
    """

    def __init__(
        self, urls: Sequence[str], api_key: str, api_secret: str, retry_seconds: float = 1.0
    ) -> None:
        self._urls = tuple(urls)
        self._api_key = api_key
        self._api_secret = api_secret
        self._retry_seconds = retry_seconds
        self._session: aiohttp.ClientSession | None = None
        self._queues: dict[tuple[str, str], _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start delivering."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))

    async def close(self) -> None:
        """Stop; what has not been delivered is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._queues.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def notify(self, event: WebhookEvent) -> None:
        """Queue an event."""
        for url in self._urls:
            key = (url, event.room.name)
            queue = self._queues.get(key)
            if queue is None:
                queue = self._queues[key] = deque()
                task = asyncio.create_task(self._drain(key, queue))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if len(queue) < MAX_DEPTH:
                queue.append((time.monotonic(), event))

    async def delivered(self) -> None:
        """Return once nothing is queued."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _drain(self, key: tuple[str, str], queue: _Queue) -> None:
        while queue:
            queued_at, event = queue[0]
            if time.monotonic() - queued_at < MAX_AGE_SECONDS:
                await self._deliver(key[0], event)
            queue.popleft()
        del self._queues[key]

    async def _deliver(self, url: str, event: WebhookEvent) -> None:
        body = MessageToJson(event, indent=None).encode()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        token = (
            AccessToken(self._api_key, self._api_secret)
            .with_ttl(timedelta(minutes=5))
            .with_sha256(digest)
            .to_jwt()
        )
        for attempt in range(MAX_RETRIES + 1):
            if attempt:
                await asyncio.sleep(self._retry_seconds * 2 ** (attempt - 1))
            status = await self._post(url, body, token)
            if status is not None and status < 500 and status != 429:
                return

    async def _post(self, url: str, body: bytes, token: str) -> int | None:
        """The answer's status; None if there was no answer."""
        if self._session is None:
            return None
        # LiveKit sends the bare token, without "Bearer".
        headers = {"Authorization": token, "Content-Type": "application/webhook+json"}
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.post(url, data=body, headers=headers) as response:
                return response.status
        return None
