"""Large answers, sent as their clients take them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

import attrs
import structlog
from litestar.types import ASGIApp, Message, Receive, Send

from entrypoints.http.middleware.overload import Overload
from entrypoints.http.middleware.request_log import ids

log = structlog.get_logger()

LARGE: Final = 64 * 1024
CHUNK: Final = 16 * 1024


@attrs.frozen
class LargeAnswers:
    """An ASGI application around ``app`` that sends large bodies in chunks.

    The server takes an answer that comes whole however slowly its client does; of one in chunks
    it takes a few. So what clients leave untaken stays here, where it counts: beyond
    ``overload.answers`` the largest and oldest of the client with the most are cut off.
    """

    app: ASGIApp
    overload: Overload

    def __call__(self, scope: Any, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve a request."""

        # Neither is a coroutine of its own: that would be a tenth of a short request's time.
        def in_chunks(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.body" and len(message["body"]) > LARGE:
                return self._send(scope, message, send)
            return send(message)

        return self.app(scope, receive, in_chunks if scope["type"] == "http" else send)

    async def _send(self, scope: Any, message: Any, send: Send) -> None:
        body, more = memoryview(message.pop("body")), message.get("more_body", False)
        try:
            async with asyncio.timeout(None) as limit:
                loop = asyncio.get_running_loop()
                holding = self.overload.answers.hold(
                    self.overload.client(scope), lambda: limit.reschedule(loop.time())
                )
                try:
                    holding.grow(len(body))
                    for start in range(0, len(body), CHUNK):
                        chunk = bytes(body[start : start + CHUNK])
                        last = start + CHUNK >= len(body)
                        part: Any = {
                            "type": "http.response.body",
                            "body": chunk,
                            "more_body": more or not last,
                        }
                        await send(part)
                finally:
                    holding.release()
        except TimeoutError:
            log.warning("answer cut off", reason="its client does not take it", **ids(scope))
            raise ClientTooSlow from None


class ClientTooSlow(Exception):
    """The answer was dropped half-sent; the server then closes the connection."""
