"""What no route has counted: unknown paths, wrong methods, forged webhooks, preflights.

Refusals count against the client's address like its other requests. These and preflights are
paced: an address gets so many of them a second, the others wait. So a flood of them costs no more
than that, and other clients' answers do not wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs
import msgspec
from cachetools import TLRUCache
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from domain.shared.errors import RateLimited
from entrypoints.http.middleware.limits import Limits, is_counted
from entrypoints.http.middleware.request_id import request_id
from entrypoints.http.middleware.unread_body import CLOSE

A_SECOND: Final = 100
AT_ONCE: Final = 100
"""Refusals that an address gets without a wait when it has had none for a second."""
MOST_WAITING: Final = 2_000
"""Refusals that wait at a time, of some 30 KiB each; a connection beyond is closed instead."""
_MOST_ADDRESSES: Final = 10_000
_CORS: Final = (b"vary", b"access-control-allow-origin", b"access-control-expose-headers")


class Pace:
    """Spaces the refusals of an address (the generic cell rate algorithm)."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        # When an address may have its next one: kept until then.
        self._next: TLRUCache[str, float] = TLRUCache(
            _MOST_ADDRESSES, ttu=lambda _address, at, _now: at, timer=monotonic
        )

    def wait(self, address: str) -> float:
        """Seconds until the address may have one more refusal, which this one is."""
        now = self._monotonic()
        at = max(self._next.get(address, now), now)
        self._next[address] = at + 1 / A_SECOND
        return max(0.0, at - now - AT_ONCE / A_SECOND)


@attrs.define
class Refusals:
    """An ASGI application around ``app`` that counts and paces refusals."""

    app: ASGIApp
    limits: Limits
    pace: Pace = attrs.field(factory=Pace)
    _waiting: int = attrs.field(default=0, init=False)

    def __call__(self, scope: Any, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve a request."""
        if scope["type"] != "http":
            return self.app(scope, receive, send)
        scope.setdefault("state", {})
        instead: bytes | None = None

        async def refused(message: Any) -> None:
            nonlocal instead
            instead = await self._refuse(scope, message)
            await send(message)

        async def paced(message: Any) -> None:
            await self._wait(scope, message)
            await send(message)

        # No coroutine of its own: that would be a tenth of a short request's time.
        def counting(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                if 400 <= message["status"] < 500:
                    return refused(message)
                if scope["method"] == "OPTIONS":
                    return paced(message)
            elif instead is not None and message["type"] == "http.response.body":
                return send({**message, "body": instead, "more_body": False})
            return send(message)

        return self.app(scope, receive, counting)

    async def _refuse(self, scope: Scope, start: Any) -> bytes | None:
        """Change ``start`` and return another body if the client may not even be refused."""
        status, body = start["status"], None
        if not is_counted(scope):
            try:
                await self.limits(scope, None)
            except RateLimited as error:
                body = _limited(scope, start, error)
            await self._wait(scope, start)
        elif status == HTTPStatus.TOO_MANY_REQUESTS:
            await self._wait(scope, start)
        return body

    async def _wait(self, scope: Scope, start: Any) -> None:
        seconds = self.pace.wait(self.limits.address(scope))
        if not seconds:
            return
        if self._waiting >= MOST_WAITING:
            start["headers"] = [*start["headers"], CLOSE]
            return
        self._waiting += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._waiting -= 1


def _limited(scope: Any, start: Any, error: RateLimited) -> bytes:
    answer: Mapping[str, object] = {
        "error": str(error),
        "code": error.code,
        "requestId": request_id(scope),
        **error.details,
    }
    body = b"" if scope["method"] == "HEAD" else msgspec.json.encode(answer)
    start["status"] = int(HTTPStatus.TOO_MANY_REQUESTS)
    start["headers"] = [
        *((name, value) for name, value in start["headers"] if name in _CORS),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(error.retry_after).encode()),
    ]
    return body
