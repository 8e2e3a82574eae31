"""Signed webhooks, delivered as livekit-server 1.13.5 delivers them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any, Final

import aiohttp
import attrs
from google.protobuf.json_format import MessageToJson
from livekit.api import AccessToken
from livekit.protocol.webhook import WebhookEvent

from entrypoints.simulator.chaos import Chaos

MAX_AGE_SECONDS: Final = 30.0
MAX_DEPTH: Final = 200
MAX_RETRIES: Final = 4
MAX_DELIVERIES: Final = 100_000
_TIMEOUT_SECONDS: Final = 10.0


@attrs.define
class Delivery:
    """What became of an event, over all its copies and URLs.

    ``created`` is when it happened, ``sent`` counts the posts and ``acknowledged`` the 2xx answers
    to them, the first and the last of which came at ``first_at`` and ``last_at`` (Unix seconds).
    """

    id: str
    event: str
    room: str
    room_sid: str
    participant: str | None
    created: float
    lost: bool
    sent: int = 0
    acknowledged: int = 0
    first_at: float | None = None
    last_at: float | None = None

    def note(self, status: int) -> None:
        """Note the answer to a post."""
        if 200 <= status < 300:
            self.acknowledged += 1
            self.last_at = time.time()
            self.first_at = self.first_at or self.last_at


_Queue = deque[tuple[float, WebhookEvent, Delivery]]


def signed_webhook(
    event: WebhookEvent, api_key: str, api_secret: str
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of the request that brings ``event``."""
    body = MessageToJson(event, indent=None).encode()
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    token = (
        AccessToken(api_key, api_secret).with_ttl(timedelta(minutes=5)).with_sha256(digest).to_jwt()
    )
    # LiveKit sends the bare token, without "Bearer".
    return body, {"Authorization": token, "Content-Type": "application/webhook+json"}


class WebhookSender:
    """Posts events to every URL. Runs between :meth:`open` and :meth:`close`.

    Each URL and room has its own queue, in which events keep their order. Connection errors, 5xx
    and 429 are retried, first after ``retry_seconds``, then after twice as long each time. An
    event that is 30 s old, or finds 200 before it, is dropped.

    ``chaos`` may lose and double events; what it delays goes past the queues. ``deliveries`` lists
    of the last 100,000 events, ``pending`` how many copies wait to be delivered or sent again.
    """

    def __init__(
        self, urls: Sequence[str], api_key: str, api_secret: str, retry_seconds: float = 1.0
    ) -> None:
        self.chaos = Chaos()
        self.deliveries: deque[Delivery] = deque(maxlen=MAX_DELIVERIES)
        self.pending = 0
        self._urls = tuple(urls)
        self._api_key = api_key
        self._api_secret = api_secret
        self._retry_seconds = retry_seconds
        self._session: aiohttp.ClientSession | None = None
        self._queues: dict[tuple[str, str], _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start delivering."""
        # No total: to wait for one of the session's connections is not the receiver's fault.
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=_TIMEOUT_SECONDS, sock_read=_TIMEOUT_SECONDS
        )
        self._session = aiohttp.ClientSession(timeout=timeout)

    async def close(self) -> None:
        """Stop; what has not been delivered is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._queues.clear()
        self.pending = 0
        if self._session is not None:
            await self._session.close()
            self._session = None

    def notify(self, event: WebhookEvent) -> None:
        """Queue an event."""
        copies = self.chaos.copies()
        delivery = Delivery(
            id=event.id,
            event=event.event,
            room=event.room.name,
            room_sid=event.room.sid,
            participant=event.participant.identity if event.HasField("participant") else None,
            created=time.time(),
            lost=not copies,
        )
        self.deliveries.append(delivery)
        for url in self._urls * copies:
            if self.chaos.delay_seconds:
                self.pending += 1
                self._start(self._deliver_late(self.chaos.delay(), url, event, delivery))
            else:
                self._enqueue(url, event, delivery)

    async def delivered(self) -> None:
        """Return once nothing is queued."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _enqueue(self, url: str, event: WebhookEvent, delivery: Delivery) -> None:
        key = (url, event.room.name)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = deque()
            self._start(self._drain(key, queue))
        if len(queue) < MAX_DEPTH:
            queue.append((time.monotonic(), event, delivery))
            self.pending += 1

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, key: tuple[str, str], queue: _Queue) -> None:
        while queue:
            queued_at, event, delivery = queue[0]
            if time.monotonic() - queued_at < MAX_AGE_SECONDS:
                await self._deliver(key[0], event, delivery)
            queue.popleft()
            self.pending -= 1
        del self._queues[key]

    async def _deliver_late(
        self, seconds: float, url: str, event: WebhookEvent, delivery: Delivery
    ) -> None:
        await asyncio.sleep(seconds)
        await self._deliver(url, event, delivery)
        self.pending -= 1

    async def _deliver(self, url: str, event: WebhookEvent, delivery: Delivery) -> None:
        body, headers = signed_webhook(event, self._api_key, self._api_secret)
        for attempt in range(MAX_RETRIES + 1):
            if attempt:
                await asyncio.sleep(self._retry_seconds * 2 ** (attempt - 1))
            delivery.sent += 1
            status = await self._post(url, body, headers)
            if status is not None and status < 500 and status != 429:
                delivery.note(status)
                return

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int | None:
        """The answer's status; None if there was no answer."""
        if self._session is None:
            return None
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.post(url, data=body, headers=headers) as response:
                return response.status
        return None
