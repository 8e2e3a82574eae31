"""The answer that goes on until its client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from application.streaming.event_stream import EventStream
from application.streaming.listener import Closing, Listener

MEDIA_TYPE: Final = "text/event-stream"
Text = Callable[[], Awaitable[bytes]]
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events back
]


class EventStreamResponse(Response[bytes]):
    """Sends to ``listener`` of the stream ``first``, then what ``text`` returns, to its end.

    Nothing is an end.
    """

    def __init__(self, stream: EventStream, listener: Listener, first: bytes, text: Text) -> None:
        super().__init__(b"", media_type=MEDIA_TYPE)
        self._following = _Following(stream, listener, first, text)

    def to_asgi_response(self, *_arguments: Any, **_options: Any) -> ASGIResponse:
        """Return the ASGI application that sends them."""
        return self._following


async def in_turn(text: Text, turn: Callable[[], AbstractAsyncContextManager[None]]) -> bytes:
    """Return what ``text`` returns, which is asked when it is the client's turn."""
    async with turn():
        return await text()


class _Following(ASGIResponse):
    """Sends what the stream has for a listener, until either goes away."""

    __slots__ = ("_first", "_listener", "_stream", "_text")

    def __init__(self, stream: EventStream, listener: Listener, first: bytes, text: Text) -> None:
        self._stream = stream
        self._listener = listener
        self._first = first
        self._text = text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send until the client goes away, or the service ends the stream."""
        listener = self._listener
        # Not in this task, whose coroutines, of each layer, would all be resumed for each event.
        listener.task = asyncio.create_task(self._follow(send))
        leaving = asyncio.create_task(_left(receive, listener))
        try:
            await listener.task
        except asyncio.CancelledError:
            if listener.closing is not Closing.SLOW:
                raise
            # Ended without the last part, so that the server closes the connection.
        finally:
            leaving.cancel()
            self._stream.leave(listener)

    async def _follow(self, send: Send) -> None:
        listener = self._listener
        listener.send = partial(_send, send)
        await _start(send)
        text = self._first
        while text:
            await listener.take(text)
            text = await self._text()
        if listener.closing is not Closing.LEFT:
            await _end(send)


async def _left(receive: Receive, listener: Listener) -> None:
    """Close the listener once its client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.close(Closing.LEFT)


async def _start(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})


def _send(send: Send, text: bytes) -> Awaitable[None]:
    return send({"type": "http.response.body", "body": text, "more_body": True})


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})
